// The inner loops of training, one pass over memory each. model/native.py compiles and calls them; the
// torch code beside each call does the same, and serves where these cannot.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

// Neurons worked on at once: their weights of some hundred inputs stay in the cache.
constexpr int64_t BLOCK = 32;
// A block's values, added as whole vectors: a compiler may not see it in a loop over floats.
typedef float Vector __attribute__((vector_size(32)));
struct alignas(64) Row {
    union {
        float value[BLOCK];
        Vector part[BLOCK / 8];
    };
    void operator+=(const Row& other) {
        for (int64_t i = 0; i < BLOCK / 8; ++i) part[i] += other.part[i];
    }
};

// body(first, last) over 0..count, shared by `threads` threads.
template <typename Body> void share(int64_t count, int64_t threads, Body body) {
    threads = std::max<int64_t>(1, std::min(threads, count));
    std::vector<std::thread> others;
    for (int64_t i = 1; i < threads; ++i)
        others.emplace_back(body, count * i / threads, count * (i + 1) / threads);
    body(0, count / threads);
    for (auto& other : others) other.join();
}

template <int SIGN = 1> void add(const float* __restrict from, float* __restrict to, int64_t n) {
    for (int64_t i = 0; i < n; ++i) to[i] += SIGN * from[i];
}

struct Neuron {
    float leak, low, high, carry;  // leak 0: none; carry: the share of a membrane that the next step keeps
    int32_t to_zero, single;
};

struct Shape {
    int64_t steps, batch, inputs, neurons;
};

// Places are step * batch + image; place p has the addresses from start[p] to start[p + 1].
struct Events {
    const int64_t *address, *start;
};

void load(const float* from, float* to, int64_t width) {
    for (int64_t i = 0; i < BLOCK; ++i) to[i] = i < width ? from[i] : 0.0f;
}

template <bool LEAK, bool ZERO, bool SINGLE>
void forward(const float* weight, const float* bias, const float* threshold, Events events, float* spikes,
             float* membranes, Shape shape, Neuron spec, int64_t threads) {
    const auto [steps, batch, inputs, n] = shape;
    share((n + BLOCK - 1) / BLOCK, threads, [=](int64_t first, int64_t last) {
        std::vector<Row> rows(inputs);
        for (int64_t from = first * BLOCK; from < std::min(n, last * BLOCK); from += BLOCK) {
            const int64_t width = std::min(BLOCK, n - from);
            for (int64_t a = 0; a < inputs; ++a)
                std::memcpy(rows[a].value, weight + a * n + from, width * sizeof(float));
            Row own_bias;
            float limit[BLOCK];
            load(bias + from, own_bias.value, width);
            load(threshold + from, limit, width);
            for (int64_t b = 0; b < batch; ++b) {
                float v[BLOCK] = {0}, fired[BLOCK] = {0};
                for (int64_t t = 0; t < steps; ++t) {
                    const int64_t place = t * batch + b;
                    Row current = own_bias;
                    for (int64_t e = events.start[place]; e < events.start[place + 1]; ++e)
                        current += rows[events.address[e]];
                    float s[BLOCK], *u = membranes + (from * batch + b * BLOCK) * steps + t * BLOCK;
                    for (int64_t i = 0; i < BLOCK; ++i) {
                        const float kept = LEAK ? v[i] - std::floor(v[i] * spec.leak) : v[i];
                        u[i] = std::min(std::max(kept + current.value[i], spec.low), spec.high);
                        s[i] = u[i] >= limit[i] ? 1.0f : 0.0f;
                        if (SINGLE) {
                            s[i] *= 1.0f - fired[i];
                            fired[i] += s[i];
                        }
                        v[i] = u[i] - s[i] * (ZERO ? u[i] : limit[i]);
                    }
                    std::memcpy(spikes + place * n + from, s, width * sizeof(float));
                }
            }
        }
    });
}

}  // namespace

extern "C" {

// Addresses [batch, width] of one step each, `steps` for none: how many in each place, then which.
void step_counts(const uint8_t* when, int64_t* count, int64_t steps, int64_t batch, int64_t width) {
    std::fill_n(count, steps * batch, 0);
    for (int64_t b = 0; b < batch; ++b)
        for (int64_t a = 0; a < width; ++a)
            if (when[b * width + a] < steps) ++count[when[b * width + a] * batch + b];
}

void step_addresses(const uint8_t* when, const int64_t* start, int64_t* address, int64_t steps, int64_t batch,
                    int64_t width) {
    std::vector<int64_t> next(start, start + steps * batch);
    for (int64_t b = 0; b < batch; ++b)
        for (int64_t a = 0; a < width; ++a)
            if (when[b * width + a] < steps) address[next[when[b * width + a] * batch + b]++] = a;
}

// Spikes [places, width]: how many in each place, then which.
void spike_counts(const float* spikes, int64_t* count, int64_t places, int64_t width) {
    for (int64_t p = 0; p < places; ++p) {
        int64_t sum = 0;
        for (int64_t a = 0; a < width; ++a) sum += spikes[p * width + a] != 0;
        count[p] = sum;
    }
}

void spike_addresses(const float* spikes, const int64_t* start, int64_t* address, int64_t places, int64_t width) {
    for (int64_t p = 0; p < places; ++p) {
        int64_t* to = address + start[p];
        if (start[p + 1] == start[p]) continue;
        for (int64_t from = 0; from < width; from += BLOCK) {
            const int64_t last = std::min(width, from + BLOCK);
            int32_t any = 0;  // most blocks are silent
            for (int64_t a = from; a < last; ++a) any |= spikes[p * width + a] != 0;
            for (int64_t a = from; any && a < last; ++a)
                if (spikes[p * width + a] != 0) *to++ = a;
        }
    }
}

// Spikes [steps, batch, neurons] of weight [inputs, neurons], bias and threshold [neurons]; membranes in the order
// in which they are worked on, [blocks, batch, steps, BLOCK].
void layer_forward(const float* weight, const float* bias, const float* threshold, const int64_t* address,
                   const int64_t* start, float* spikes, float* membranes, Shape shape, Neuron spec, int64_t threads) {
    const auto run = [=](auto leak, auto zero, auto single) {
        forward<leak, zero, single>(
            weight, bias, threshold, {address, start}, spikes, membranes, shape, spec, threads);
    };
    const auto choose = [=](bool is, auto then) { is ? then(std::true_type()) : then(std::false_type()); };
    choose(spec.leak != 0, [=](auto leak) {
        choose(spec.to_zero, [=](auto zero) {
            choose(spec.single, [=](auto single) { run(leak, zero, single); });
        });
    });
}

// Gradients of weight, bias and currents [steps, batch, neurons] (if not null) from those of the spikes;
// scale [neurons]: (pi * slope)^2 / threshold.
void layer_backward(const float* grad_spikes, const float* membranes, const float* threshold,
                    const float* scale, const int64_t* address, const int64_t* start, float* grad_weight,
                    float* grad_bias, float* grad_current, Shape shape, Neuron spec, int64_t threads) {
    const auto [steps, batch, inputs, n] = shape;
    // The places address after address: a sum in registers is several times as fast as one in the cache.
    std::vector<int64_t> begin(inputs + 1, 0), where(start[steps * batch]);
    for (int64_t e = 0; e < start[steps * batch]; ++e) ++begin[address[e] + 1];
    for (int64_t a = 0; a < inputs; ++a) begin[a + 1] += begin[a];
    std::vector<int64_t> next(begin);
    for (int64_t place = 0; place < steps * batch; ++place)
        for (int64_t e = start[place]; e < start[place + 1]; ++e) where[next[address[e]]++] = place;
    share((n + BLOCK - 1) / BLOCK, threads, [=, &begin, &where](int64_t first, int64_t last) {
        std::vector<Row> grad(steps * batch);
        for (int64_t from = first * BLOCK; from < std::min(n, last * BLOCK); from += BLOCK) {
            const int64_t width = std::min(BLOCK, n - from);
            float limit[BLOCK], steep[BLOCK], total[BLOCK] = {0};
            load(threshold + from, limit, width);
            load(scale + from, steep, width);
            std::fill_n(limit + width, BLOCK - width, 1.0f);
            for (int64_t b = 0; b < batch; ++b) {
                const float* u_block = membranes + (from * batch + b * BLOCK) * steps;
                float later[BLOCK] = {0}, before[BLOCK] = {0};
                if (spec.single)  // in how many steps it would have fired
                    for (int64_t t = 0; t < steps; ++t)
                        for (int64_t i = 0; i < BLOCK; ++i) before[i] += u_block[t * BLOCK + i] >= limit[i];
                for (int64_t t = steps - 1; t >= 0; --t) {
                    const int64_t place = t * batch + b;
                    const float* u = u_block + t * BLOCK;
                    Row given;
                    Row& g = grad[place];
                    load(grad_spikes + place * n + from, given.value, width);
                    for (int64_t i = 0; i < BLOCK; ++i) {
                        const float far = u[i] - limit[i], fires = far >= 0 ? 1.0f : 0.0f;
                        float own = given.value[i] / (limit[i] + far * far * steep[i]);
                        before[i] -= fires;
                        const float free = before[i] > 0 ? 0.0f : 1.0f;  // always 1 without a single spike
                        const float kept = spec.to_zero ? later[i] * (1.0f - fires * free) : later[i];
                        own = own * free + spec.carry * kept;
                        later[i] = g.value[i] = (u[i] > spec.low) & (u[i] < spec.high) ? own : 0.0f;
                        total[i] += g.value[i];
                    }
                    if (grad_current) std::memcpy(grad_current + place * n + from, g.value, width * sizeof(float));
                }
            }
            std::memcpy(grad_bias + from, total, width * sizeof(float));
            for (int64_t a = 0; a < inputs; ++a) {
                Row sum = {};
                for (int64_t e = begin[a]; e < begin[a + 1]; ++e) sum += grad[where[e]];
                std::memcpy(grad_weight + a * n + from, sum.value, width * sizeof(float));
            }
        }
    });
}

// L1 distances [m, n] of the rows of a [m, width] and b [n, width]; where a is b, each pair is measured once.
void count_distances(const uint8_t* a, const uint8_t* b, float* distance, int64_t m, int64_t n, int64_t width,
                     int64_t threads) {
    const bool same = a == b;
    share(m, threads, [=](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i)
            for (int64_t j = 0; j < (same ? i + 1 : n); ++j) {
                uint32_t sum = 0;
                for (int64_t d = 0; d < width; ++d) sum += std::abs(a[i * width + d] - b[j * width + d]);
                distance[i * n + j] = static_cast<float>(sum);
            }
    });
    if (same)
        for (int64_t i = 0; i < m; ++i)
            for (int64_t j = 0; j < i; ++j) distance[j * n + i] = distance[i * n + j];
}

// out [width, m] = sum over j of grad[j, i] * sign(a_i - b_j), for a [width, m], b [width, n], grad [n, m].
//
// At one place only few different counts occur. The sum of grad's rows for each count, and then of all
// counts up to it, gives the sum for every i; the most frequent count's sum is what the others leave.
void count_gradient(const float* grad, const uint8_t* a, const uint8_t* b, float* out, int64_t m, int64_t n,
                    int64_t width, int64_t threads) {
    std::vector<float> total(m, 0.0f);
    for (int64_t j = 0; j < n; ++j) add(grad + j * m, total.data(), m);
    const float* all = total.data();
    share(width, threads, [=](int64_t first, int64_t last) {
        std::vector<float> sums;  // row c + 1: of count c
        for (int64_t d = first; d < last; ++d) {
            const uint8_t *mine = a + d * m, *theirs = b + d * n;
            int64_t often[256] = {0};
            for (int64_t j = 0; j < n; ++j) ++often[theirs[j]];
            const int64_t mode = std::max_element(often, often + 256) - often;
            const int64_t most = std::max(*std::max_element(mine, mine + m), *std::max_element(theirs, theirs + n));
            sums.assign((most + 2) * m, 0.0f);
            float* rest = sums.data() + (mode + 1) * m;
            for (int64_t j = 0; j < n; ++j)
                if (theirs[j] != mode) add(grad + j * m, sums.data() + (theirs[j] + 1) * m, m);
            add(all, rest, m);
            for (int64_t c = 0; c <= most; ++c)
                if (c != mode && often[c]) add<-1>(sums.data() + (c + 1) * m, rest, m);
            for (int64_t c = 1; c <= most; ++c) add(sums.data() + c * m, sums.data() + (c + 1) * m, m);
            for (int64_t i = 0; i < m; ++i)
                out[d * m + i] = sums[mine[i] * m + i] + sums[(mine[i] + 1) * m + i] - all[i];
        }
    });
}

}  // extern "C"
