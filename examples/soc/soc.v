// SPDX-License-Identifier: Apache-2.0
// The smallest system around the core: a sequencer on a Wishbone bus shows it one image and keeps the
// answer. The output streams are not used: their `tready` is tied high.
module soc #(
    parameter PROGRAM = "program.mem"
) (
    input  wire        clk,
    input  wire        rst,
    output wire        done,
    output wire [15:0] label,
    output wire        same,
    output wire [31:0] distance
);
    wire cyc, we, ack;
    wire [11:0] adr;
    wire [31:0] to_core, from_core, label_register;
    assign label = label_register[15:0];
    assign same = label_register[16];

    sequencer #(.PROGRAM(PROGRAM)) master (
        .clk(clk), .rst(rst),
        .cyc(cyc), .we(we), .adr(adr), .dat_o(to_core), .dat_i(from_core), .ack(ack),
        .done(done), .label(label_register), .distance(distance)
    );

    twinspike_wishbone network (
        .clk(clk), .rst(rst),
        .wb_cyc_i(cyc), .wb_stb_i(cyc), .wb_we_i(we), .wb_adr_i(adr), .wb_sel_i(4'hf),
        .wb_dat_i(to_core), .wb_dat_o(from_core), .wb_ack_o(ack), .irq(),
        .s_axis_tdata(16'b0), .s_axis_tvalid(1'b0), .s_axis_tready(), .s_axis_tlast(1'b0),
        .m_axis_tdata(), .m_axis_tvalid(), .m_axis_tready(1'b1), .m_axis_tlast(),
        .m_result_tdata(), .m_result_tvalid(), .m_result_tready(1'b1), .m_result_tlast()
    );
endmodule
