// Dense layers: events, and the passes over them, forward and backward.
namespace {

struct Shape {
    int64_t steps, batch, inputs, neurons;
};

// Places are step * batch + image; place p has the addresses from start[p] to start[p + 1], or of the bits that are set
// in its words.
struct Events {
    const int64_t *address, *start;
    const uint32_t* bits;
    int64_t words;

    template <typename Each> void each(int64_t place, Each with) const {
        if (bits) {
            for (int64_t w = 0; w < words; ++w)
                for (uint32_t fired = bits[place * words + w]; fired; fired &= fired - 1)
                    with(w * BLOCK + __builtin_ctz(fired));
        } else {
            for (int64_t e = start[place]; e < start[place + 1]; ++e) with(address[e]);
        }
    }
};

// How real-valued weights [neurons, inputs] become integers: see quant/quantizers.py.
struct Quantiser {
    const float *weight, *scale, *mean, *deviation;  // the last three of each neuron
    float limit, sigma;
    int32_t sign;

    // Those of one neuron's inputs from `first` on, `count` of them.
    void integers(int64_t neuron, int64_t inputs, int64_t first, int64_t count, float* to) const {
        const float *w = weight + neuron * inputs + first, by = scale[neuron], most = limit;
        if (sign)
            for (int64_t a = 0; a < count; ++a) to[a] = w[a] >= 0 ? 1.0f : -1.0f;
        else
            for (int64_t a = 0; a < count; ++a)
                to[a] = std::min(std::max(std::nearbyint(w[a] / by), -most), most);
    }
};

// Inputs whose weights are transposed together: a square of BLOCK neurons that the nearest cache holds.
constexpr int64_t TILE = 32;

// Integer weights of `width` neurons from `from` on, an input after the other.
template <typename Number>
void transposed(const Quantiser& weight, int64_t from, int64_t width, int64_t inputs, Row<Number>* rows) {
    float tile[BLOCK][TILE] = {{0}};
    for (int64_t first = 0; first < inputs; first += TILE) {
        const int64_t count = std::min(TILE, inputs - first);
        for (int64_t i = 0; i < width; ++i) weight.integers(from + i, inputs, first, count, tile[i]);
        for (int64_t k = 0; k < count; ++k)
            for (int64_t i = 0; i < BLOCK; ++i) rows[first + k].value[i] = tile[i][k];
    }
}

// The other way: sums of `width` neurons, an input after the other, as rows of `inputs`.
void transposed(const Row<float>* sums, int64_t width, int64_t inputs, float* to) {
    for (int64_t first = 0; first < inputs; first += TILE) {
        const int64_t count = std::min(TILE, inputs - first);
        float tile[BLOCK][TILE];
        for (int64_t k = 0; k < count; ++k)
            for (int64_t i = 0; i < BLOCK; ++i) tile[i][k] = sums[first + k].value[i];
        for (int64_t i = 0; i < width; ++i) std::copy_n(tile[i], count, to + i * inputs + first);
    }
}

// Which of a block's lanes are set: -1 in `mask`, a vector after the other, as a bit each.
template <typename Mask> uint32_t bits_of(const Mask* mask) {
    constexpr int64_t LANES = sizeof(Mask) / sizeof(mask[0][0]);
    uint32_t bits = 0;
    for (int64_t p = 0; p < BLOCK / LANES; ++p)
#ifdef __AVX512BW__
        if constexpr (LANES == 16)
            bits |= uint32_t(_mm256_movepi16_mask((__m256i)mask[p])) << p * LANES;
        else
            bits |= uint32_t(_mm256_movepi32_mask((__m256i)mask[p])) << p * LANES;
#else
        for (int64_t i = 0; i < LANES; ++i) bits |= uint32_t(mask[p][i] != 0) << (p * LANES + i);
#endif
    return bits;
}

// 1 for each of the first `width` bits that is set, 0 for the others.
void spread(uint32_t bits, int64_t width, float* to) {
#ifdef __AVX512F__
    if (width == BLOCK) {
        const __m512 one = _mm512_set1_ps(1.0f);
        _mm512_storeu_ps(to, _mm512_maskz_mov_ps(bits & 0xffff, one));
        _mm512_storeu_ps(to + 16, _mm512_maskz_mov_ps(bits >> 16, one));
        return;
    }
#endif
    for (int64_t i = 0; i < width; ++i) to[i] = bits >> i & 1 ? 1.0f : 0.0f;
}

// A block of neurons of one image. In 16-bit integers, where all sums fit, a step takes a fraction of the time that
// floats take, and that counts: each step waits for the one before.
template <typename Number, bool LEAK, bool ZERO, bool SINGLE> struct Block {
    typedef typename Row<Number>::Vector Vector;
    typedef decltype(Vector() < Vector()) Mask;
    static constexpr int64_t PARTS = Row<Number>::PARTS;

    Row<Number> bias, limit, v;
    Mask fired[PARTS], fires[PARTS];  // before, and in this step
    Number low, high, leak;           // leak: a shift of integers, a factor of floats

    Block(const float* biases, const float* thresholds, int64_t width, const Neuron& spec)
        : low(spec.low), high(spec.high), leak(WHOLE && LEAK ? -std::ilogb(spec.leak) : spec.leak) {
        // No membrane is above `most`; there are no neurons from `width` on.
        const float most = WHOLE ? 32767 : INFINITY;
        for (int64_t i = 0; i < BLOCK; ++i) {
            bias.value[i] = i < width ? biases[i] : 0;
            limit.value[i] = i < width ? std::min(thresholds[i], most) : most;
        }
    }

    void rest() {
        v = {};
        for (Mask& x : fired) x ^= x;
    }

    // Takes a step's currents, which become membranes before the reset; sets `fires`.
    void step(Row<Number>& current) {
        for (int64_t p = 0; p < PARTS; ++p) {
            const Vector sum = (LEAK ? v.part[p] - leaked(v.part[p]) : v.part[p]) + (current.part[p] + bias.part[p]);
            const Vector least = sum < low ? Vector() + low : sum, u = least > high ? Vector() + high : least;
            fires[p] = u >= limit.part[p];
            if (SINGLE) {
                fires[p] &= ~fired[p];
                fired[p] |= fires[p];
            }
            current.part[p] = u;
            v.part[p] = fires[p] ? (ZERO ? Vector() : u - limit.part[p]) : u;
        }
    }

private:
    static constexpr bool WHOLE = std::is_same<Number, int16_t>();

    Vector leaked(Vector x) const {
        if constexpr (WHOLE) {
            return x >> leak;
        } else {
            for (int64_t i = 0; i < BLOCK / PARTS; ++i) x[i] = std::floor(x[i] * leak);
            return x;
        }
    }
};

template <typename Number, bool LEAK, bool ZERO, bool SINGLE>
void forward(Quantiser weight, const float* bias, const float* threshold, Events events, uint32_t* bits,
             Number* membranes, Shape shape, Neuron spec, int64_t threads) {
    const auto [steps, batch, inputs, n] = shape;
    const int64_t words = (n + BLOCK - 1) / BLOCK;
    share(words, threads, [=](int64_t first, int64_t last) {
        std::vector<Row<Number>> rows(inputs);
        for (int64_t word = first; word < last; ++word) {
            const int64_t from = word * BLOCK, width = std::min(BLOCK, n - from);
            transposed(weight, from, width, inputs, rows.data());
            Block<Number, LEAK, ZERO, SINGLE> block(bias + from, threshold + from, width, spec);
            Number* u = membranes + from * batch * steps;
            for (int64_t b = 0; b < batch; ++b) {
                block.rest();
                for (int64_t t = 0; t < steps; ++t, u += BLOCK) {
                    const int64_t place = t * batch + b;
                    Row<Number> current = {};
                    events.each(place, [&](int64_t address) { current += rows[address]; });
                    block.step(current);
                    std::memcpy(u, current.value, sizeof(current.value));
                    bits[place * words + word] = bits_of(block.fires);
                }
            }
        }
    });
}

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

// The gradient of a neuron's real-valued weights, in place of that of its integer ones: the gradient of
// quant/quantizers.py, where the scale comes from the weights as well. `integers`: room for them.
void straight_through(const Quantiser& weight, int64_t neuron, int64_t inputs, float* integers, float* grad) {
    weight.integers(neuron, inputs, 0, inputs, integers);
    const float scale = weight.scale[neuron], *w = weight.weight + neuron * inputs;
    const float direct = weight.sign ? 1.0f : 1.0f / scale, shrink = weight.sign ? 0.0f : direct;
    float parts[32] = {0}, by_scale = 0;
    for (int64_t a = 0; a < inputs / 32 * 32; a += 32)
        for (int64_t k = 0; k < 32; ++k) parts[k] += grad[a + k] * (integers[a + k] - w[a + k] * shrink);
    for (int64_t a = inputs / 32 * 32; a < inputs; ++a) by_scale += grad[a] * (integers[a] - w[a] * shrink);
    for (float part : parts) by_scale += part;
    by_scale /= scale * weight.limit;
    const float spread = by_scale * weight.sigma / (std::max<int64_t>(1, inputs - 1) * weight.deviation[neuron]);
    const float toward = by_scale / inputs - spread * weight.mean[neuron];
    for (int64_t a = 0; a < inputs; ++a)
        grad[a] = grad[a] * direct + w[a] * spread + (w[a] > 0 ? toward : 0.0f) - (w[a] < 0 ? toward : 0.0f);
}

// What the layer behind says of a block's spikes: its currents' gradients [places, neurons], or null, times its weights.
class Behind {
    typedef float Vector __attribute__((vector_size(WIDEST)));
    static constexpr int64_t LANES = WIDEST / sizeof(float), PARTS = BLOCK / LANES, TOGETHER = 4;
    struct alignas(64) Weights {
        Vector part[PARTS];
    };
    const float* current;
    const int64_t neurons;
    std::vector<Weights> rows;

    // Of TOGETHER places, `apart` from each other in `grad` and so many rows in `to`.
    FUSED static void multiply(const float* grad, int64_t apart, const Weights* rows, int64_t count, Row<float>* to,
                               int64_t further) {
        FUSE
        Vector sums[TOGETHER][PARTS] = {};
        for (int64_t j = 0; j < count; ++j)
#pragma GCC unroll 4
            for (int64_t p = 0; p < TOGETHER; ++p)
#pragma GCC unroll 4
                for (int64_t k = 0; k < PARTS; ++k) sums[p][k] += rows[j].part[k] * grad[p * apart + j];
        for (int64_t p = 0; p < TOGETHER; ++p) std::memcpy(to + p * further, sums[p], sizeof(sums[p]));
    }

public:
    Behind(const float* currents, const Quantiser& weight, int64_t count, int64_t inputs, int64_t from, int64_t width)
        : current(currents), neurons(count), rows(currents ? count : 0) {
        for (int64_t j = 0; j < (current ? count : 0); ++j) {
            float row[BLOCK] = {0};
            weight.integers(j, inputs, from, width, row);
            std::memcpy(&rows[j], row, sizeof(row));
        }
    }

    // The gradients of all steps of image b, in `grad` [places].
    void say(int64_t b, int64_t batch, int64_t steps, Row<float>* grad) const {
        if (!current) return;
        if (steps < TOGETHER) {
            for (int64_t t = 0; t < steps; ++t) grad[t * batch + b] = alone(t * batch + b);
            return;
        }
        for (int64_t t = 0; t < steps; t += TOGETHER) {
            // The last few steps together with some that are done already.
            const int64_t place = std::min(t, steps - TOGETHER) * batch + b;
            multiply(current + place * neurons, batch * neurons, rows.data(), neurons, grad + place, batch);
        }
    }

    bool says() const { return current; }

private:
    Row<float> alone(int64_t place) const {
        Row<float> sum = {};
        for (int64_t j = 0; j < neurons; ++j) {
            Row<float> row;
            std::memcpy(&row, &rows[j], sizeof(row));
            for (int64_t p = 0; p < Row<float>::PARTS; ++p) sum.part[p] += row.part[p] * current[place * neurons + j];
        }
        return sum;
    }
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
              int64_t later_neurons, const Number* membranes, const float* threshold, float steepness, Events events, float* grad_weight, float* grad_bias, float* grad_current, Shape shape, Neuron spec,
              int64_t threads) {
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

// Integer weights [neurons, inputs] of real-valued ones.
void integer_weights(Quantiser weight, float* to, int64_t neurons, int64_t inputs) {
    for (int64_t i = 0; i < neurons; ++i) weight.integers(i, inputs, 0, inputs, to + i * inputs);
}

// The gradient of real-valued weights [neurons, inputs] in place of that of the integer ones.
void real_gradients(Quantiser weight, float* grad, int64_t neurons, int64_t inputs) {
    std::vector<float> integers(inputs);
    for (int64_t i = 0; i < neurons; ++i) straight_through(weight, i, inputs, integers.data(), grad + i * inputs);
}

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

// Spikes [places, width] as bits, a word for each BLOCK of them: [places, words].
void spike_bits(const float* spikes, uint32_t* bits, int64_t places, int64_t width) {
    for (int64_t p = 0; p < places; ++p)
        for (int64_t from = 0; from < width; from += BLOCK)
            *bits++ = differing(spikes + p * width + from, width - from, 0.0f);
}

// The other way round.
void write_spikes(const uint32_t* bits, float* spikes, int64_t places, int64_t width, int64_t threads) {
    const int64_t words = (width + BLOCK - 1) / BLOCK;
    share(places, threads, [=](int64_t first, int64_t last) {
        for (int64_t p = first; p < last; ++p)
            for (int64_t w = 0; w < words; ++w)
                spread(bits[p * words + w], std::min(BLOCK, width - w * BLOCK), spikes + p * width + w * BLOCK);
    });
}

// How many bits of so many words are set.
int64_t set_bits(const uint32_t* bits, int64_t words) {
    int64_t count = 0;
    for (int64_t w = 0; w < words; ++w) count += __builtin_popcount(bits[w]);
    return count;
}

// Bits [places, words]: where each place begins [places + 1], then which addresses are in it.
void bit_counts(const uint32_t* bits, int64_t* start, int64_t places, int64_t words) {
    start[0] = 0;
    for (int64_t p = 0; p < places; ++p) {
        start[p + 1] = start[p] + set_bits(bits + p * words, words);
    }
}

void bit_addresses(const uint32_t* bits, int64_t* address, int64_t places, int64_t words) {
    for (int64_t p = 0; p < places; ++p)
        for (int64_t w = 0; w < words; ++w)
            // Without a branch a spike: they come at random.
            for (uint32_t fired = *bits++; fired; fired &= fired - 1) *address++ = w * BLOCK + __builtin_ctz(fired);
}

// The spikes' bits [steps, batch, words] for integer bias and threshold [neurons]; membranes in the order in which they
// are worked on, [blocks, batch, steps, BLOCK], of 16 bits (`narrow`) or floats.
void layer_forward(Quantiser weight, const float* bias, const float* threshold, Events events, uint32_t* bits, void* membranes, Shape shape, Neuron spec, int64_t narrow, int64_t threads) {
    const auto run = [=](auto leak, auto zero, auto single) {
        const auto as = [=](auto* kept) {
            typedef std::remove_pointer_t<decltype(kept)> Number;
            forward<Number, leak, zero, single>(
                weight, bias, threshold, events, bits, kept, shape, spec, threads);
        };
        if (narrow)
            as(static_cast<int16_t*>(membranes));
        else
            as(static_cast<float*>(membranes));
    };
    choose(spec.leak != 0, [=](auto leak) {
        choose(spec.to_zero, [=](auto zero) {
            choose(spec.single, [=](auto single) { run(leak, zero, single); });
        });
    });
}

// Gradients of real-valued weight, integer bias and currents [steps, batch, neurons] (if not null) from those of the
// spikes (if not null), one that all spikes have in common, and those of the currents `later` (if not null) [steps, batch, later_neurons] that the layer behind
// makes of them with its weights; steepness: (pi * slope)^2.
void layer_backward(Quantiser weight, const float* grad_spikes, float grad_all, const float* later, Quantiser later_weight,
                    int64_t later_neurons, const void* membranes, const float* threshold, float steepness, Events events, float* grad_weight, float* grad_bias, float* grad_current, Shape shape,
                    Neuron spec, int64_t narrow, int64_t threads) {
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
