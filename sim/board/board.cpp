// A board in simulation: the pins of its link on a pseudo-terminal, its flash from a file. See sim/board/board.py.
//
// Arguments: descriptor of the terminal's master side, clocks per bit, file of the flash (or ""), file of
// eight bytes that shows the clocks that have passed.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "Vsystem.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

#ifdef SPI

// A controller of SPI, mode 0: exchanges bytes all the time, FLAGs where it has none. step() gives what came,
// or -1; of FLAGs in a row the first one.
struct Line {
    static constexpr int flag = 0x7e, most = 16;
    int clocks_a_bit, clock = 0, bit = 0, left = 0, before = flag;
    unsigned out = 0, in = 0;
    bool cs_n = true, sck = false;
    std::deque<uint8_t> queue;

    int step(Vsystem& top) {
        int got = -1;
        if (cs_n) {
            // As long again passes with `cs_n` low: `clock` begins below 0.
            if (++clock == clocks_a_bit) {
                cs_n = false;
                clock = -clocks_a_bit;
                left = most;
                load();
            }
        } else if (++clock == clocks_a_bit / 2) {
            sck = true;
            in = in << 1 | (top.cipo & 1);
        } else if (clock == clocks_a_bit) {
            sck = false;
            clock = 0;
            out <<= 1;
            if (++bit == 8) {
                got = in & 0xff;
                cs_n = --left == 0;
                load();
            }
        }
        top.cs_n = cs_n;
        top.sck = sck;
        top.copi = out >> 7 & 1;
        if (got == flag && before == flag) return -1;
        if (got >= 0) before = got;
        return got;
    }

    void load() {
        bit = 0;
        out = flag;
        if (cs_n || queue.empty()) return;
        out = queue.front();
        queue.pop_front();
    }
};

#else

// Sends the bytes of a queue on a line, 8N1.
struct Sender {
    int clocks_a_bit, left = 0, clock = 0;
    unsigned shift = 1;
    std::deque<uint8_t> queue;

    bool step() {
        if (left == 0 && !queue.empty()) {
            shift = 1u << 9 | unsigned(queue.front()) << 1;
            queue.pop_front();
            left = 10;
            clock = 0;
        }
        if (left == 0) return true;
        bool level = shift & 1;
        if (++clock == clocks_a_bit) {
            clock = 0;
            shift >>= 1;
            --left;
        }
        return level;
    }
};

// Takes bytes from a line; step() gives one, or -1.
struct Receiver {
    int clocks_a_bit, clock = -1;
    unsigned shift = 0;

    int step(bool level) {
        if (clock < 0) {
            if (level) return -1;
            clock = 0;
            shift = 0;
        }
        int bit = clock / clocks_a_bit;
        if (clock % clocks_a_bit == clocks_a_bit / 2) {
            shift |= unsigned(level) << bit;
            if (bit == 9) {
                clock = -1;
                return level ? (shift >> 1) & 0xff : -1;
            }
        }
        ++clock;
        return -1;
    }
};

// A serial line: step() gives the byte that came, or -1.
struct Line {
    int clocks_a_bit;
    Sender sender{clocks_a_bit};
    Receiver receiver{clocks_a_bit};
    std::deque<uint8_t>& queue = sender.queue;

    int step(Vsystem& top) {
        int got = receiver.step(top.tx);
        top.rx = sender.step();
        return got;
    }
};

#endif

// A serial flash that knows READ (03h), as all of them do.
struct Flash {
    std::vector<uint8_t> content;
    bool before = false, out = true;
    uint64_t in = 0;
    int bits = 0;

    bool step(bool selected, bool clock, bool data) {
        if (!selected) {
            bits = 0;
            in = 0;
        } else if (clock && !before) {
            if (bits < 32) in = in << 1 | data;
            ++bits;
        } else if (!clock && before && bits >= 32 && in >> 24 == 3) {
            uint64_t at = (in & 0xffffff) + (bits - 32) / 8;
            uint8_t byte = at < content.size() ? content[at] : 0xff;
            out = byte >> (7 - (bits - 32) % 8) & 1;
        }
        before = clock;
        return out;
    }
};

volatile sig_atomic_t stopped = 0;

}  // namespace

int main(int, char** argv) {
    signal(SIGTERM, [](int) { stopped = 1; });
    signal(SIGINT, SIG_IGN);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    const int terminal = atoi(argv[1]), clocks_a_bit = atoi(argv[2]);
    fcntl(terminal, F_SETFL, O_NONBLOCK);
    Flash flash;
    if (*argv[3]) {
        std::ifstream file(argv[3], std::ios::binary);
        flash.content.assign(std::istreambuf_iterator<char>(file), {});
    }
    const int shown = open(argv[4], O_RDWR);
    void* page = mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, shown, 0);
    if (page == MAP_FAILED) return 1;
    volatile uint64_t& clocks = *static_cast<uint64_t*>(page);
    VerilatedContext context;
    Vsystem top{&context};
    Line line{clocks_a_bit};

    top.rst = 1;
    // Clocks until the line counts as asleep: then the simulation waits for the host instead of running.
    const long awake = 200000, nap = 2000;
    long busy = awake;
    for (long clock = 0; !stopped; ++clock) {
        if (clock == 8) top.rst = 0;
        clocks = clock;
        if (clock % 64 == 32 && line.queue.size() < 64) {
            uint8_t buffer[256];
            if (busy <= 0) {
                pollfd wait{terminal, POLLIN, 0};
                poll(&wait, 1, 20);
                busy = nap;
            }
            ssize_t got = read(terminal, buffer, sizeof buffer);
            if (got > 0) {
                line.queue.insert(line.queue.end(), buffer, buffer + got);
                busy = awake;
            }
        }
        --busy;
        int byte = line.step(top);
#ifdef FLASH
        top.flash_miso = flash.step(!top.flash_cs_n, top.flash_sck, top.flash_mosi);
        if (!top.flash_cs_n) busy = awake;
#endif
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
        if (byte >= 0) {
            uint8_t out = byte;
            // A host that does not listen loses bytes, as on any line.
            if (write(terminal, &out, 1) < 0) continue;
            busy = awake;
        }
    }
    return 0;
}
