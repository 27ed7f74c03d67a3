`timescale 1ns / 1ps
// The clock of driver.sv.
module clock;
    reg clk = 0;
    always #5 clk = ~clk;
    driver driver (.clk(clk));
endmodule
