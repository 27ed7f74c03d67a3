// Drives module `bench` (bench.sv) from compiled code: works off the runs of runs.mem, a line a run of
// hexadecimal fields in the order of `Run` below; outcomes.log gets a line for each. See native.py.
// driver.sv does the same for simulators that take no C++.

#include <cinttypes>
#include <cstdint>
#include <cstdio>

#include "Vbench.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

constexpr uint32_t reset_clocks = 3;
constexpr uint32_t settle = 300;  // clocks after a run in which nothing more may come out

struct Run {
    uint32_t frames, whole, isolate, stall_source, stall_spikes, stall_result, hold_from, hold_for, seed,
        reset_at, patience;

    bool read(FILE* file) {
        uint32_t* const fields[] = {&frames, &whole, &isolate, &stall_source, &stall_spikes, &stall_result,
                                    &hold_from, &hold_for, &seed, &reset_at, &patience};
        for (uint32_t* field : fields)
            if (fscanf(file, "%" SCNx32, field) != 1) return false;
        return true;
    }

    void apply(Vbench& bench) const {
        bench.frames = frames;
        bench.whole = whole != 0;
        bench.isolate = isolate != 0;
        bench.stall_source = stall_source;
        bench.stall_spikes = stall_spikes;
        bench.stall_result = stall_result;
        bench.hold_from = hold_from;
        bench.hold_for = hold_for;
        bench.seed = seed;
    }
};

// One clock. Inputs were set before it, so the core sees them steady at the rising edge.
void clock(Vbench& bench) {
    bench.clk = 0;
    bench.eval();
    bench.clk = 1;
    bench.eval();
}

void clocks(Vbench& bench, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) clock(bench);
}

void reset(Vbench& bench) {
    bench.rst = 1;
    clocks(bench, reset_clocks);
    bench.rst = 0;
}

// Until everything has come out, or nothing has moved for `patience` clocks; with a reset on the way.
void work(Vbench& bench, const Run& run) {
    uint32_t passed = 0, quiet = 0;
    bool again = run.reset_at != 0;
    while (!bench.finished && quiet != run.patience) {
        clock(bench);
        quiet = bench.moved || !bench.loaded ? 0 : quiet + 1;
        if (again && ++passed == run.reset_at) {
            again = false;
            quiet = 0;
            reset(bench);
        }
    }
}

}  // namespace

int main() {
    VerilatedContext context;
    Vbench bench{&context};
    FILE* const runs = fopen("runs.mem", "r");
    FILE* const outcomes = fopen("outcomes.log", "w");
    if (!runs || !outcomes) return 1;
    Run run;
    for (uint32_t number = 0; run.read(runs); ++number) {
        bench.run = number;
        run.apply(bench);
        reset(bench);
        work(bench, run);
        const bool finished = bench.finished;
        clocks(bench, settle);
        fprintf(outcomes, "%d %" PRIx32 " %x %016" PRIx64 "\n", finished, static_cast<uint32_t>(bench.done),
                static_cast<unsigned>(bench.error_flags), static_cast<uint64_t>(bench.network_hash));
    }
    bench.final();
    return fclose(outcomes);
}
