// SPDX-License-Identifier: Apache-2.0
// Sends the golden vectors through the core's streams and compares every result and output spike.
// Twice: without a pause, where each result must come in the very clock that the cycle contract
// states, and with random pauses at every port. Ends with status 0 only if all agrees. The clock begins at
// CLOCK_START, and until the reset every input is undefined, the reset too: nothing of that may last.
`timescale 1ns / 1ps
`include "vectors.vh"
`ifndef CLOCK_START
`define CLOCK_START 0
`endif

module tb_stream;
    reg clk, rst, idle;  // `idle`: low at inputs that are not used
    reg begun = 0;
    initial begin
        clk = `CLOCK_START;
        repeat (3) @(negedge clk);
        begun = 1;
        rst = 1;
        @(negedge clk) idle = 0;
    end
    always #5 clk = !clk;

    reg [`BEAT_BITS-1:0] stimulus [0:`BEATS-1];
    reg [16:0] spikes [0:`SPIKES-1];
    reg [95:0] results [0:`FRAMES-1];
    reg [31:0] cycles [0:`FRAMES-1];
    initial begin
        $readmemh("stimulus.mem", stimulus);
        $readmemh("spikes.mem", spikes);
        $readmemh("results.mem", results);
        $readmemh("cycles.mem", cycles);
    end

    reg [`BEAT_BITS-1:0] beat;
    reg valid, spike_ready, result_ready;
    wire ready, spike_valid, spike_last, result_valid, result_last, loaded;
    wire [15:0] spike_word;
    wire [95:0] result;
    wire [63:0] network_hash;
    wire [`ERROR_BITS-1:0] error_flags;

    twinspike_core dut (
        .clk(clk), .rst(rst),
        .s_axis_tdata(beat[16*`BANKS-1:0]), .s_axis_tlast(beat[`BEAT_BITS-1]),
`ifdef KEEP
        .s_axis_tkeep(keep),
`endif
`ifdef LOAD_WORDS
        .s_load_tdata(load_word), .s_load_tvalid(load_valid), .s_load_tready(load_ready),
        .s_load_tlast(idle), .weights_loaded(loaded), .weights_keep(idle),
`endif
`ifdef STEP_TIMER
        .timer_run(idle), .timer_drop(idle), .timer_on_event(idle), .timer_period({32{idle}}), .timer_clear(idle),
`endif
`ifdef SLOTS
        .s_command_tdata({40{idle}}), .s_command_tvalid(idle),
`endif
        .s_axis_tvalid(valid), .s_axis_tready(ready),
        .m_axis_tdata(spike_word), .m_axis_tlast(spike_last),
        .m_axis_tvalid(spike_valid), .m_axis_tready(spike_ready),
        .m_result_tdata(result), .m_result_tlast(result_last),
        .m_result_tvalid(result_valid), .m_result_tready(result_ready),
        .network_hash(network_hash), .error_flags(error_flags), .error_clear(idle)
    );

`ifdef KEEP
    // Two bits of tkeep, a byte each, for every word.
    reg [2*`BANKS-1:0] keep;
    integer slot;
    always @* for (slot = 0; slot < `BANKS; slot = slot + 1) keep[2*slot +: 2] = {2{beat[16*`BANKS+slot]}};
`endif

`ifdef LOAD_WORDS
    // The weight image after every reset.
    reg [15:0] weights [0:`LOAD_WORDS-1];
    initial $readmemh("weights.mem", weights);
    integer load_at = 0;
    wire load_ready;
    wire load_valid = !rst && load_at < `LOAD_WORDS;
    wire [15:0] load_word = weights[load_at < `LOAD_WORDS ? load_at : 0];
    always @(posedge clk) load_at <= rst ? 0 : load_at + (load_valid && load_ready);
`else
    assign loaded = 1'b1;
`endif

    integer errors = 0;
    task fail(input integer frame, input [8*10-1:0] what, input [95:0] got, input [95:0] wanted);
        begin
            errors = errors + 1;
            if (errors <= 10)
                $display("pass %0d, frame %0d: %0s is %0h, should be %0h", pass, frame, what, got, wanted);
        end
    endtask

    integer pass = 0, sent = 0, spike = 0, frame = 0, resets = 0, quiet = 0;
    reg [31:0] cycle = 0, random = 32'h2545f491;
    wire [31:0] x1 = random ^ (random << 13), x2 = x1 ^ (x1 >> 17), next_random = x2 ^ (x2 << 5);
    wire stalls = pass == 1;

    always @(posedge clk) if (rst) begin
        cycle <= 0; sent <= 0; spike <= 0; frame <= 0; valid <= 0; quiet <= 0;
        spike_ready <= 0; result_ready <= 0;
        resets <= resets + 1;
        if (resets == 3) rst <= 0;
    end else if (begun) begin
        cycle <= loaded ? cycle + 1 : 0;
        random <= next_random;
        quiet <= spike_valid || result_valid || ready && valid || !loaded ? 0 : quiet + 1;

        if (valid && ready) valid <= 0;
        if (loaded && (!valid || ready) && sent < `BEATS && !(stalls && random[1:0] == 0)) begin
            beat <= stimulus[sent];
            valid <= 1;
            sent <= sent + 1;
        end

        spike_ready <= !(stalls && random[8]);
        if (spike_valid && spike_ready) begin
            if (spike >= `SPIKES) fail(frame, "word count", spike, `SPIKES);
            else if ({spike_last, spike_word} !== spikes[spike])
                fail(frame, "m_axis", {spike_last, spike_word}, spikes[spike]);
            spike <= spike + 1;
        end

        result_ready <= !(stalls && random[16]);
        if (result_valid && result_ready) begin
            if (frame >= `FRAMES) fail(frame, "results", frame, `FRAMES);
            else begin
                if (result !== results[frame]) fail(frame, "m_result", result, results[frame]);
                if (!stalls && cycle !== cycles[frame]) fail(frame, "clock", cycle, cycles[frame]);
            end
            frame <= frame + 1;
        end

        // Everything has come, or nothing does any more.
        if (quiet == 10000 || (quiet == 100 && frame >= `FRAMES)) begin
            if (frame != `FRAMES) fail(frame, "results", frame, `FRAMES);
            if (spike != `SPIKES) fail(frame, "words", spike, `SPIKES);
            if (error_flags !== 0) fail(frame, "flags", error_flags, 0);
            if (network_hash !== `NETWORK_HASH) fail(frame, "hash", network_hash, `NETWORK_HASH);
            $display("pass %0d, %0s: %0d results, %0d words of spikes, %0d differences", pass,
                     stalls ? "random pauses" : "no pauses", frame, spike, errors);
            if (stalls || errors != 0) begin
                if (errors != 0) $fatal(1, "FAIL");
                $display("PASS");
                $finish;
            end
            pass <= 1;
            resets <= 0;
            rst <= 1;
        end
    end
endmodule
