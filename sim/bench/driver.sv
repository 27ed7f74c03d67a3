`timescale 1ns / 1ps
// Works off the runs of runs.mem by itself, with no Python beside it: a line a run, of hexadecimal fields
// in the order of `struct` below; outcomes.log gets a line for each. See direct.py.
module driver (input wire clk);
    localparam [31:0] SETTLE = 300;   // clocks after a run in which nothing more may come out
    localparam NEXT = 0, RESET = 1, RUN = 2, AFTER = 3;

    reg rst = 1, whole = 0, isolate = 0;
    reg [7:0] number = 0, stall_source = 0, stall_spikes = 0, stall_result = 0;
    reg [31:0] frames = 0, hold_from = 0, hold_for = 0, seed = 0, reset_at = 0, patience = 0;
    reg [31:0] clocks = 0, quiet = 0, read_whole, read_isolate, read_source, read_spikes, read_result;
    reg [1:0] state = NEXT;
    reg begun = 0;
    integer runs = 0, outcomes = 0, fields;
    wire finished, moved, loaded;
    wire [31:0] done;
    wire [@FLAGS@:0] error_flags;
    wire [63:0] network_hash;

    bench bench (
        .clk(clk), .rst(rst), .run(number), .frames(frames), .whole(whole), .isolate(isolate),
        .stall_source(stall_source), .stall_spikes(stall_spikes), .stall_result(stall_result),
        .hold_from(hold_from), .hold_for(hold_for), .seed(seed), .finished(finished), .done(done),
        .moved(moved), .loaded(loaded), .error_flags(error_flags), .network_hash(network_hash)
    );

    initial begin
        runs = $fopen("runs.mem", "r");
        outcomes = $fopen("outcomes.log", "w");
    end

    // On the other edge, so that the core sees steady inputs.
    always @(negedge clk) begin
        clocks <= clocks + 1;
        case (state)
            NEXT: begin
                fields = $fscanf(runs, "%h %h %h %h %h %h %h %h %h %h %h", frames, read_whole, read_isolate,
                    read_source, read_spikes, read_result, hold_from, hold_for, seed, reset_at, patience);
                whole <= read_whole[0];
                isolate <= read_isolate[0];
                stall_source <= read_source[7:0];
                stall_spikes <= read_spikes[7:0];
                stall_result <= read_result[7:0];
                number <= begun ? number + 1 : 0;
                begun <= 1;
                rst <= 1;
                clocks <= 0;
                state <= RESET;
                if (fields != 11) begin
                    $fclose(outcomes);
                    $finish;
                end
            end
            RESET: if (clocks == 3) begin
                rst <= 0;
                clocks <= 0;
                quiet <= 0;
                state <= RUN;
            end
            RUN: begin
                quiet <= moved || !loaded ? 0 : quiet + 1;
                if (finished || quiet == patience) begin
                    clocks <= 0;
                    state <= AFTER;
                end
                if (reset_at != 0 && clocks == reset_at) begin
                    reset_at <= 0;
                    rst <= 1;
                    clocks <= 0;
                    state <= RESET;
                end
            end
            AFTER: if (clocks == SETTLE) begin
                $fwrite(outcomes, "%h %h %h %h\n", finished, done, error_flags, network_hash);
                state <= NEXT;
            end
        endcase
    end
endmodule
