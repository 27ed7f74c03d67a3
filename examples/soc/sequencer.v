// SPDX-License-Identifier: Apache-2.0
// A Wishbone master that plays a program from a ROM: what is left of a processor when all it has to do
// is feed a core. A word of the program is {4 bits operation, 12 bits address, 32 bits data}:
//   0  end: `done` rises
//   1  write data to the address
//   2  read the address until (word & data) is not 0
//   3  read the address into `label` (data 0) or `distance` (data 1)
module sequencer #(
    parameter PROGRAM = "program.mem",
    parameter LENGTH = 1024
) (
    input  wire        clk,
    input  wire        rst,
    output reg         cyc,
    output wire        we,
    output wire [11:0] adr,
    output wire [31:0] dat_o,
    input  wire [31:0] dat_i,
    input  wire        ack,
    output reg         done,
    output reg  [31:0] label,
    output reg  [31:0] distance
);
    localparam END = 0, WRITE = 1, WAIT = 2, READ = 3;

    reg [47:0] rom [0:LENGTH-1];
    initial $readmemh(PROGRAM, rom);

    reg [$clog2(LENGTH)-1:0] at;
    reg [47:0] step;
    reg fetched;
    wire [3:0] operation = step[47:44];
    assign adr = step[43:32];
    assign dat_o = step[31:0];
    assign we = operation == WRITE;

    always @(posedge clk) begin
        // One clock to read the ROM, then the transfer; `cyc` falls between transfers.
        step <= rom[at];
        fetched <= !cyc && !done;
        if (fetched && !cyc && !done) begin
            if (operation == END) done <= 1;
            else cyc <= 1;
        end
        if (cyc) step <= step;
        if (cyc && ack) begin
            cyc <= 0;
            fetched <= 0;
            if (operation != WAIT || (dat_i & step[31:0]) != 0) at <= at + 1;
            if (operation == READ && step[31:0] == 0) label <= dat_i;
            if (operation == READ && step[31:0] == 1) distance <= dat_i;
        end
        if (rst) begin
            at <= 0;
            cyc <= 0;
            fetched <= 0;
            done <= 0;
            label <= 0;
            distance <= 0;
        end
    end
endmodule
