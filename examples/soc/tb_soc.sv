// SPDX-License-Identifier: Apache-2.0
// Runs the system until the sequencer is done; label, distance and `same` must be those of the golden
// model for the first image of the package's vectors.
`timescale 1ns / 1ps

module tb_soc;
    reg clk = 0, rst = 1;
    always #5 clk = !clk;

    wire done, same;
    wire [15:0] label;
    wire [31:0] distance;
    soc dut (.clk(clk), .rst(rst), .done(done), .label(label), .same(same), .distance(distance));

    reg [95:0] golden [0:0];
    integer clocks = 0;
    initial begin
        $readmemh("golden.mem", golden);
        repeat (4) @(negedge clk);
        rst = 0;
        while (!done && clocks < 1000000) @(negedge clk) clocks = clocks + 1;
        $display("label %0d, distance %0d, same %0d after %0d clocks", label, distance, same, clocks);
        if (!done || {same, label, distance} !== {golden[0][80:64], golden[0][31:0]})
            $fatal(1, "FAIL: golden label %0d, distance %0d", golden[0][79:64], golden[0][31:0]);
        $display("PASS");
        $finish;
    end
endmodule
