// SPDX-License-Identifier: Apache-2.0
// Drives a core over its bus alone, as a processor would: AXI4-Lite with AXILITE defined, else Wishbone.
// Sends the golden vectors through the EVENT register, polls for each result and compares label,
// distance, runner-up and `same`; beside it, the words of m_axis. Where the core has slots, a class is
// then enrolled, verified and cleared (slots.mem). Status 0 only if all agrees. The clock begins at
// CLOCK_START, and until the reset every input is undefined, the reset too: nothing of that may last.
`timescale 1ns / 1ps
`include "vectors.vh"
`include "twinspike_registers.vh"
`ifndef CLOCK_START
`define CLOCK_START 0
`endif

module tb_bus;
    reg clk, rst, idle;  // `idle`: low at inputs that are not used
    initial clk = `CLOCK_START;
    always #5 clk = !clk;

    reg [`BEAT_BITS-1:0] stimulus [0:`BEATS-1];
    reg [16:0] spikes [0:`SPIKES-1];
    reg [95:0] results [0:`FRAMES-1];
    initial begin
        $readmemh("stimulus.mem", stimulus);
        $readmemh("spikes.mem", spikes);
        $readmemh("results.mem", results);
    end

    wire spike_valid, spike_last, result_valid, irq;
    wire [15:0] spike_word;
    wire [95:0] result;
    integer errors = 0;
    task check(input integer frame, input [8*10-1:0] what, input [95:0] got, input [95:0] wanted);
        if (got !== wanted) begin
            errors = errors + 1;
            if (errors <= 10) $display("frame %0d: %0s is %0h, should be %0h", frame, what, got, wanted);
        end
    endtask

`ifdef AXILITE
    reg [11:0] awaddr, araddr;
    reg [31:0] wdata;
    reg awvalid, wvalid, bready, arvalid, rready;
    wire awready, wready, bvalid, arready, rvalid;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata;
    twinspike_axilite dut (
        .s_axil_awaddr(awaddr), .s_axil_awprot(3'b0), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
        .s_axil_wdata(wdata), .s_axil_wstrb(4'hf), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
        .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
        .s_axil_araddr(araddr), .s_axil_arprot(3'b0), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
        .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
`else
    reg [11:0] adr;
    reg [31:0] dat;
    reg cyc, we;
    wire ack;
    wire [31:0] found;
    twinspike_wishbone dut (
        .wb_cyc_i(cyc), .wb_stb_i(cyc), .wb_we_i(we), .wb_adr_i(adr), .wb_sel_i(4'hf),
        .wb_dat_i(dat), .wb_dat_o(found), .wb_ack_o(ack),
`endif
`ifdef LOAD_WORDS
        .s_load_tdata(weights[load_at < `LOAD_WORDS ? load_at : 0]), .s_load_tlast(idle),
        .s_load_tvalid(!rst && load_at < `LOAD_WORDS), .s_load_tready(load_ready), .reload(),
`endif
`ifdef PIXELS
        .s_pixel_tdata({8{idle}}), .s_pixel_tvalid(idle), .s_pixel_tready(), .s_pixel_tlast(idle),
`endif
        .clk(clk), .rst(rst), .irq(irq),
        .s_axis_tdata({16{idle}}), .s_axis_tvalid(idle), .s_axis_tready(), .s_axis_tlast(idle),
        .m_axis_tdata(spike_word), .m_axis_tlast(spike_last),
        .m_axis_tvalid(spike_valid), .m_axis_tready(!idle),
        .m_result_tdata(result), .m_result_tlast(), .m_result_tvalid(result_valid), .m_result_tready(!idle)
    );

`ifdef LOAD_WORDS
    reg [15:0] weights [0:`LOAD_WORDS-1];
    initial $readmemh("weights.mem", weights);
    integer load_at = 0;
    wire load_ready;
    always @(posedge clk) load_at <= rst ? 0 : load_at + (load_ready && load_at < `LOAD_WORDS);
`endif

    // Signals change and are sampled between the clock's edges, at its falling one.
    reg [31:0] value;
`ifdef AXILITE
    task bus_write(input [11:0] address, input [31:0] data);
        begin
            awaddr = address; wdata = data;
            awvalid = 1; wvalid = 1; bready = 1;
            while (awvalid || wvalid) begin
                if (awready && wready) @(negedge clk) {awvalid, wvalid} = 2'b00;
                else if (awready) @(negedge clk) awvalid = 0;
                else if (wready) @(negedge clk) wvalid = 0;
                else @(negedge clk);
            end
            while (!bvalid) @(negedge clk);
            check(-1, "bresp", bresp, 0);
            @(negedge clk) bready = 0;
        end
    endtask
    task bus_read(input [11:0] address);
        begin
            araddr = address;
            arvalid = 1; rready = 1;
            while (!arready) @(negedge clk);
            @(negedge clk) arvalid = 0;
            while (!rvalid) @(negedge clk);
            value = rdata;
            check(-1, "rresp", rresp, 0);
            @(negedge clk) rready = 0;
        end
    endtask
`else
    task bus_cycle(input write, input [11:0] address, input [31:0] data);
        begin
            adr = address; dat = data; we = write;
            cyc = 1;
            @(negedge clk);
            while (!ack) @(negedge clk);
            value = found;
            @(negedge clk) cyc = 0;
        end
    endtask
    task bus_write(input [11:0] address, input [31:0] data); bus_cycle(1'b1, address, data); endtask
    task bus_read(input [11:0] address); bus_cycle(1'b0, address, 0); endtask
`endif

    integer frame, at = 0, room, polls;
    integer starts [0:`FRAMES-1];
    // The words from `at` on, up to the frame's last, as fast as the event port takes them; then its result.
    task send_frame(input integer number);
        begin
            room = 0;
            value = 0;
            while (!value[16]) begin
                while (room == 0) begin
                    bus_read(`TWINSPIKE_EVENT_SPACE);
                    room = value;
                end
                value = stimulus[at];
                bus_write(`TWINSPIKE_EVENT, value);
                value = stimulus[at];
                at = at + 1;
                room = room - 1;
            end
            for (polls = 0; !irq && polls < 100000; polls = polls + 1) @(negedge clk);
            check(number, "irq", irq, 1);
        end
    endtask

`ifdef SLOT_STEPS
    reg [79:0] steps [0:`SLOT_STEPS-1];
    initial $readmemh("slots.mem", steps);
    integer done;
    reg [3:0] operation;
    reg [11:0] register;
    reg [31:0] mask, wanted;
`endif
    reg watching = 1;  // the words of m_axis are compared
    initial begin
        repeat (3) @(negedge clk);
        rst = 1;
        repeat (3) @(negedge clk);
        idle = 0;
`ifdef AXILITE
        {awvalid, wvalid, bready, arvalid, rready} = 0;
`else
        cyc = 0;
`endif
        @(negedge clk);
        rst = 0;
        @(negedge clk);
        bus_read(`TWINSPIKE_ID); check(-1, "ID", value, 32'h4b505354);
        bus_read(`TWINSPIKE_HASH_LOW); check(-1, "HASH_LOW", value, (`NETWORK_HASH) & 32'hffffffff);
        bus_read(`TWINSPIKE_HASH_HIGH); check(-1, "HASH_HIGH", value, (`NETWORK_HASH) >> 32);
        bus_read(`TWINSPIKE_FRAME); check(-1, "FRAME", value, {16'd`REFERENCES, 16'd`TIMESTEPS});
        value = 0;
        while (!value[0]) bus_read(`TWINSPIKE_STATUS);
`ifndef LOAD_WORDS
        // The beginning of a frame, and a reset that leaves nothing of it.
        bus_write(`TWINSPIKE_EVENT, 0);
        bus_read(`TWINSPIKE_STATUS); check(-1, "busy", value, 3);
        bus_write(`TWINSPIKE_CONTROL, 1);
        bus_read(`TWINSPIKE_STATUS); check(-1, "idle", value, 1);
`endif
        bus_write(`TWINSPIKE_INTERRUPT, 1);
        for (frame = 0; frame < `FRAMES; frame = frame + 1) begin
            starts[frame] = at;
            send_frame(frame);
            bus_read(`TWINSPIKE_STATUS); check(frame, "result bit", value[2], 1);
            bus_read(`TWINSPIKE_DISTANCE); check(frame, "DISTANCE", value, results[frame][31:0]);
            bus_read(`TWINSPIKE_RUNNER_UP); check(frame, "RUNNER_UP", value, results[frame][63:32]);
            bus_read(`TWINSPIKE_LABEL); check(frame, "LABEL", value, results[frame][80:64]);
            check(frame, "m_result", result, results[frame]);
            bus_write(`TWINSPIKE_STATUS, 4);
        end
        repeat (100) @(negedge clk);
        bus_read(`TWINSPIKE_FRAMES); check(-1, "FRAMES", value, `FRAMES);
        bus_read(`TWINSPIKE_ERRORS); check(-1, "ERRORS", value, 0);
        check(-1, "words", spike, `SPIKES);
`ifdef SLOT_STEPS
        watching = 0;
        for (done = 0; done < `SLOT_STEPS; done = done + 1) begin
            {operation, register, mask, wanted} = steps[done];
            if (operation == 0) bus_write(register, wanted);
            if (operation == 1) begin
                value = ~wanted;
                for (polls = 0; (value & mask) != wanted && polls < 10000; polls = polls + 1) bus_read(register);
            end
            if (operation == 1 || operation == 2) begin
                bus_read(register);
                check(done, "step", value & mask, wanted);
            end
            if (operation == 3) begin
                at = starts[wanted];
                send_frame(wanted);
            end
        end
        $display("%0d steps with slots", done);
`endif
        $display("%0d results, %0d words of spikes, %0d differences", frame, spike, errors);
        if (errors != 0) $fatal(1, "FAIL");
        $display("PASS");
        $finish;
    end

    integer spike = 0;
    always @(posedge clk) if (!rst && spike_valid && watching) begin
        if (spike >= `SPIKES) check(-1, "word count", spike, `SPIKES);
        else check(-1, "m_axis", {spike_last, spike_word}, spikes[spike]);
        spike <= spike + 1;
    end
endmodule
