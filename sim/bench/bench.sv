`timescale 1ns / 1ps
// Drives a core from stimulus.mem and logs all that it does; see bench.py for the logs.
module bench (
    input wire clk,
    input wire rst,                   // starts a run: logs are opened, the stimulus rewound
    input wire [7:0] run,             // number of the run, part of the logs' names
    input wire [31:0] frames,         // frames to send
    input wire whole,                 // send the stimulus to its end, whatever `last` says; frames: results to expect
    input wire isolate,               // a frame starts only after the previous one's result
    input wire [7:0] stall_source,    // of 256: chance in each clock that the stream pauses
    input wire [7:0] stall_spikes,
    input wire [7:0] stall_result,
    input wire [31:0] hold_from,      // from this clock on nothing is taken from the core ...
    input wire [31:0] hold_for,       // ... for so many clocks
    input wire [31:0] seed,           // of the stalls; 0: go on where the last run ended
    output reg finished,              // all results and all output spikes have been taken
    output reg [31:0] done,           // results taken so far
    output wire loaded,               // weights are in place
    output wire moved,                // a word goes in or out in this clock
    output wire [@FLAGS@:0] error_flags,
    output wire [63:0] network_hash
);
    reg [31:0] cycle = 0, random = 32'h2545f491, sent = 0, ended = 0;
    reg [@BEAT@:0] word = 0, fetched = 0;
    reg word_valid = 0, boundary = 1, first = 1, exhausted = 0, spikes_ready = 0, result_ready = 0, opened = 0;
    reg spikes_held = 0, result_held = 0;
    reg [16:0] spikes_before = 0;
    reg [95:0] result_before = 0;
    wire word_ready, spikes_valid, spikes_last, result_valid, result_last;
    wire [15:0] spikes_word;
    wire [95:0] result_word;
    integer @HANDLES@;
    integer stimulus = 0, fields;
    wire hold = cycle >= hold_from && cycle - hold_from < hold_for;

    assign moved = word_valid && word_ready || spikes_valid && spikes_ready || result_valid && result_ready;

    @TOP@ dut (
        .clk(clk), .rst(rst),
        .s_axis_tdata(word[@WORD@:0]), .s_axis_tlast(word[@BEAT@]),@KEEP@
        .s_axis_tvalid(word_valid), .s_axis_tready(word_ready),
        .m_axis_tdata(spikes_word), .m_axis_tlast(spikes_last),
        .m_axis_tvalid(spikes_valid), .m_axis_tready(spikes_ready),
        .m_result_tdata(result_word), .m_result_tlast(result_last),
        .m_result_tvalid(result_valid), .m_result_tready(result_ready),
        .network_hash(network_hash), .error_flags(error_flags), .error_clear(1'b0)@LOAD_PORTS@
    );

@LOAD@

    // xorshift32: the same stalls in every simulator.
    function automatic [31:0] next_random(input [31:0] x);
        begin
            next_random = x ^ (x << 13);
            next_random = next_random ^ (next_random >> 17);
            next_random = next_random ^ (next_random << 5);
        end
    endfunction

    always @(posedge clk) if (rst) begin
        cycle <= 0; sent <= 0; done <= 0; ended <= 0; finished <= 0;
        word_valid <= 0; boundary <= 1; first <= 1; exhausted <= 0;
        spikes_ready <= 0; result_ready <= 0; spikes_held <= 0; result_held <= 0;
        if (seed != 0) random <= seed;
        if (!opened) begin
            opened <= 1;
            if (stimulus != 0) begin
                $fclose(stimulus);
@CLOSES@
            end
            stimulus = $fopen("stimulus.mem", "r");
@OPENS@
        end
    end else begin
        opened <= 0;
        cycle <= loaded ? cycle + 1 : 0;  // the clock of hw/predict/cycles.py
        random <= next_random(random);

        // Source: a word stays until it is taken; the next may pause, or wait for a result.
        if (word_valid && word_ready) begin
            if (first) $fwrite(log_start, "%10d %h\n", cycle, word[15:0]);
            first <= word[@BEAT@];
            word_valid <= 0;
        end
        if (loaded && (!word_valid || word_ready) && random[7:0] >= stall_source
            && (whole || !boundary || (sent != frames && (!isolate || sent == done)))) begin
            fields = $fscanf(stimulus, "%h", fetched);
            word <= fetched;
            word_valid <= fields == 1;
            exhausted <= fields != 1;
            boundary <= fetched[@BEAT@];
            if (fetched[@BEAT@]) sent <= sent + 1;
        end

        // Sinks.
        spikes_ready <= random[15:8] >= stall_spikes && !hold;
        result_ready <= random[23:16] >= stall_result && !hold;
        if (spikes_valid && spikes_ready) begin
            $fwrite(log_spikes, "%10d %h\n", cycle, {spikes_last, spikes_word});
            if (spikes_last) ended <= ended + 1;
        end
        if (result_valid && result_ready) begin
            $fwrite(log_result, "%10d %h\n", cycle, result_word);
            done <= done + 1;
        end

        // A beat once offered stays as it is until it is taken (codes a1, a2).
        spikes_held <= spikes_valid && !spikes_ready;
        result_held <= result_valid && !result_ready;
        spikes_before <= {spikes_last, spikes_word};
        result_before <= result_word;
        if (spikes_held && !(spikes_valid && {spikes_last, spikes_word} == spikes_before))
            $fwrite(log_fault, "%10d %h\n", cycle, 8'ha1);
        if (result_held && !(result_valid && result_word == result_before))
            $fwrite(log_fault, "%10d %h\n", cycle, 8'ha2);

@LAYERS@

        if (done == frames && ended == frames && (!whole || exhausted) && !finished) begin
            finished <= 1;
@FLUSHES@
        end
    end

@WATCH@
endmodule
