// Behaviour of one iCE40 UltraPlus single-port RAM block, for simulation only (synthesis uses the
// device's own cell). 16,384 words of 16 bits; a write leaves the output as it is; each MASKWREN
// bit enables four bits of the word.
/* verilator lint_off DECLFILENAME */
`ifndef SB_SPRAM256KA_MODEL  // each core of a design brings this file
`define SB_SPRAM256KA_MODEL
module SB_SPRAM256KA (
    input  wire [13:0] ADDRESS,
    input  wire [15:0] DATAIN,
    input  wire [3:0]  MASKWREN,
    input  wire        WREN,
    input  wire        CHIPSELECT,
    input  wire        CLOCK,
    input  wire        STANDBY,
    input  wire        SLEEP,
    input  wire        POWEROFF,
    output reg  [15:0] DATAOUT
);
    reg [15:0] words [0:16383];
    always @(posedge CLOCK) begin
        if (POWEROFF && !SLEEP && !STANDBY && CHIPSELECT) begin
            if (WREN) begin
                if (MASKWREN[0]) words[ADDRESS][3:0]   <= DATAIN[3:0];
                if (MASKWREN[1]) words[ADDRESS][7:4]   <= DATAIN[7:4];
                if (MASKWREN[2]) words[ADDRESS][11:8]  <= DATAIN[11:8];
                if (MASKWREN[3]) words[ADDRESS][15:12] <= DATAIN[15:12];
            end else begin
                DATAOUT <= words[ADDRESS];
            end
        end
    end
endmodule
`endif
