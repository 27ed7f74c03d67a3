// Dense layers backward.
namespace {

// 1 / x, for gradients, where the last place does not count: a division takes as long as ten other instructions.
Row<float>::Vector reciprocal(Row<float>::Vector x) {
#ifdef __AVX512VL__
    const Row<float>::Vector about = (Row<float>::Vector)_mm256_rcp14_ps((__m256)x);
    return about * (2.0f - x * about);  // a step of Newton's
#else
    return 1.0f / x;
#endif
}

// A block of neurons of one image, its steps from the last to the first.
template <typename Number, bool ZERO, bool SINGLE> struct Backward {
    typedef Row<float>::Vector Vector;
    static constexpr int64_t PARTS = Row<float>::PARTS, LANES = BLOCK / PARTS;

    Row<float> limit, steep, later, before, total = {};  // before: in how many earlier steps it would have fired
    float low, high, carry;

    Backward(const float* thresholds, float steepness, int64_t width, const Neuron& spec)
        : low(spec.low), high(spec.high), carry(spec.carry) {
        load(thresholds, limit.value, width);
        std::fill_n(limit.value + width, BLOCK - width, 1.0f);
        for (int64_t i = 0; i < BLOCK; ++i) steep.value[i] = steepness / limit.value[i];
    }

    void begin(const Number* u, int64_t steps) {
        later = before = {};
        if (SINGLE)
            for (int64_t t = 0; t < steps; ++t)
                for (int64_t p = 0; p < PARTS; ++p) before.part[p] += one(membranes(u + t * BLOCK, p) >= limit.part[p]);
    }

    // From the gradient of a step's spikes that of its currents, in place.
    void step(const Number* kept_u, Row<float>& grad) {
        for (int64_t p = 0; p < PARTS; ++p) {
            const Vector u = membranes(kept_u, p), far = u - limit.part[p];
            Vector own = grad.part[p] * reciprocal(limit.part[p] + far * far * steep.part[p]), kept = later.part[p];
            auto resets = u >= limit.part[p];
            if (SINGLE) {
                before.part[p] -= one(resets);
                const auto free = before.part[p] <= 0;
                own = free ? own : Vector();
                resets &= free;
            }
            if (ZERO) kept = resets ? Vector() : kept;
            own += carry * kept;
            later.part[p] = grad.part[p] = (u > low) & (u < high) ? own : Vector();
            total.part[p] += later.part[p];
        }
    }

private:
    template <typename Mask> static Vector one(Mask mask) { return mask ? Vector() + 1.0f : Vector(); }

    static Vector membranes(const Number* u, int64_t part) {
        typedef Number Kept __attribute__((vector_size(LANES * sizeof(Number))));
        Kept kept;
        std::memcpy(&kept, u + part * LANES, sizeof(kept));
        return __builtin_convertvector(kept, Vector);
    }
};

// What the layer behind says of a block's spikes: its currents' gradients [places, neurons], or null, times its
// weights.
class Behind {
    typedef float Vector __attribute__((vector_size(WIDEST)));
    static constexpr int64_t LANES = WIDEST / sizeof(float), PARTS = BLOCK / LANES, TOGETHER = 4;
    struct alignas(64) Weights {
        Vector part[PARTS];
    };
    const float* current;
    const int64_t neurons;
    std::vector<Weights> rows;

    // Of so many places, `apart` from each other in `grad` and `further` rows in `to`.
    template <int PLACES>
    FUSED static void multiply(const float* grad, int64_t apart, const Weights* rows, int64_t count, Row<float>* to,
                               int64_t further) {
        FUSE
        Vector sums[PLACES][PARTS] = {};
        for (int64_t j = 0; j < count; ++j)
#pragma GCC unroll 4
            for (int64_t p = 0; p < PLACES; ++p)
#pragma GCC unroll 4
                for (int64_t k = 0; k < PARTS; ++k) sums[p][k] += rows[j].part[k] * grad[p * apart + j];
        for (int64_t p = 0; p < PLACES; ++p) std::memcpy(to + p * further, sums[p], sizeof(sums[p]));
    }

public:
    Behind(const float* currents, const Quantiser& weight, int64_t count, int64_t inputs, int64_t from, int64_t width)
        : current(currents), neurons(count), rows(currents ? count : 0) {
        for (size_t j = 0; j < rows.size(); ++j) {
            float row[BLOCK] = {0};
            weight.integers(j, inputs, from, width, row);
            std::memcpy(&rows[j], row, sizeof(row));
        }
    }

    // The gradients of all steps of image b, in `grad` [places].
    void say(int64_t b, int64_t batch, int64_t steps, Row<float>* grad) const {
        if (!current) return;
        const int64_t together = steps < TOGETHER ? 1 : TOGETHER;
        const auto several = together == 1 ? multiply<1> : multiply<TOGETHER>;
        for (int64_t t = 0; t < steps; t += together) {
            // The last few steps together with some that are done already.
            const int64_t place = std::min(t, steps - together) * batch + b;
            several(current + place * neurons, batch * neurons, rows.data(), neurons, grad + place, batch);
        }
    }

    bool says() const { return current; }
};

// The places address after address: a sum in registers is several times as fast as one in the cache.
struct Sorted {
    std::vector<int64_t> begin;
    std::vector<uint32_t> where;  // there are fewer places than 2^32

    Sorted(const Events& events, int64_t places, int64_t inputs) : begin(inputs + 1, 0) {
        if (events.bits) return;
        const int64_t *address = events.address, *start = events.start;
        where.resize(start[places]);
        for (int64_t e = 0; e < start[places]; ++e) ++begin[address[e] + 1];
        for (int64_t a = 0; a < inputs; ++a) begin[a + 1] += begin[a];
        std::vector<int64_t> next(begin);
        for (int64_t place = 0; place < places; ++place)
            for (int64_t e = start[place]; e < start[place + 1]; ++e) where[next[address[e]]++] = place;
    }
};

template <typename Number, bool ZERO, bool SINGLE>
void backward(Quantiser weight, const float* grad_spikes, float grad_all, const float* later, Quantiser later_weight,
              int64_t later_neurons, const Number* membranes, const float* threshold, float steepness, Events events,
              float* grad_weight, float* grad_bias, float* grad_current, Shape shape, Neuron spec, int64_t threads) {
    const auto [steps, batch, inputs, n] = shape;
    const Sorted sorted(events, steps * batch, inputs);
    share((n + BLOCK - 1) / BLOCK, threads, [=, &sorted](int64_t first, int64_t last) {
        std::vector<Row<float>> grad(steps * batch), sums(inputs);
        std::vector<float> integers(inputs);
        for (int64_t from = first * BLOCK; from < std::min(n, last * BLOCK); from += BLOCK) {
            const int64_t width = std::min(BLOCK, n - from);
            Backward<Number, ZERO, SINGLE> block(threshold + from, steepness, width, spec);
            const Behind behind(later, later_weight, later_neurons, n, from, width);
            for (int64_t b = 0; b < batch; ++b) {
                const Number* u = membranes + (from * batch + b * BLOCK) * steps;
                behind.say(b, batch, steps, grad.data());
                block.begin(u, steps);
                for (int64_t t = steps - 1; t >= 0; --t) {
                    const int64_t place = t * batch + b;
                    Row<float>& g = grad[place];
                    if (!behind.says()) g = {};
                    if (grad_spikes) {
                        Row<float> own;
                        load(grad_spikes + place * n + from, own.value, width);
                        g += own;
                    }
                    for (int64_t p = 0; p < Row<float>::PARTS; ++p) g.part[p] += grad_all;
                    block.step(u + t * BLOCK, g);
                    if (grad_current) std::memcpy(grad_current + place * n + from, g.value, width * sizeof(float));
                }
            }
            std::memcpy(grad_bias + from, block.total.value, width * sizeof(float));
            if (events.bits) {
                std::fill(sums.begin(), sums.end(), Row<float>{});
                for (int64_t place = 0; place < steps * batch; ++place)
                    events.each(place, [&](int64_t address) { sums[address] += grad[place]; });
            } else {
                for (int64_t a = 0; a < inputs; ++a) {
                    Row<float> sum = {};
                    for (int64_t e = sorted.begin[a]; e < sorted.begin[a + 1]; ++e) sum += grad[sorted.where[e]];
                    sums[a] = sum;
                }
            }
            transposed(sums.data(), width, inputs, grad_weight + from * inputs);
            for (int64_t i = 0; i < width; ++i)
                straight_through(weight, from + i, inputs, integers.data(), grad_weight + (from + i) * inputs);
        }
    });
}

}  // namespace

extern "C" {

// Gradients of real-valued weight, integer bias and currents [steps, batch, neurons] (if not null) from those of the
// spikes (if not null), one that all spikes have in common, and those of the currents `later` (if not null) [steps,
// batch, later_neurons] that the layer behind makes of them with its weights; steepness: (pi * slope)^2.
void layer_backward(Quantiser weight, const float* grad_spikes, float grad_all, const float* later,
                    Quantiser later_weight, int64_t later_neurons, const void* membranes, const float* threshold,
                    float steepness, Events events, float* grad_weight, float* grad_bias, float* grad_current,
                    Shape shape, Neuron spec, int64_t narrow, int64_t threads) {
    const auto as = [=](const auto* kept) {
        typedef std::remove_const_t<std::remove_pointer_t<decltype(kept)>> Number;
        choose(spec.to_zero, [=](auto zero) {
            choose(spec.single, [=](auto single) {
                backward<Number, zero, single>(weight, grad_spikes, grad_all, later, later_weight, later_neurons, kept,
                                               threshold, steepness, events, grad_weight, grad_bias, grad_current,
                                               shape, spec, threads);
            });
        });
    };
    if (narrow)
        as(static_cast<const int16_t*>(membranes));
    else
        as(static_cast<const float*>(membranes));
}

}  // extern "C"
