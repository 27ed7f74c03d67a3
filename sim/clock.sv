`timescale 1ns / 1ps
// The clock of driver.sv under Icarus.
module clock;
    reg clk = 0;
    always #5 clk = ~clk;
    driver driver (.clk(clk));
endmodule
