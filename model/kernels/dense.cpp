// Dense layers forward: weights and neurons in one pass over the events.
namespace {

struct Shape {
    int64_t steps, batch, inputs, neurons;
};

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

}  // namespace

extern "C" {

// The spikes' bits [steps, batch, words] for integer bias and threshold [neurons]; membranes in the order in which they
// are worked on, [blocks, batch, steps, BLOCK], of 16 bits (`narrow`) or floats.
void layer_forward(Quantiser weight, const float* bias, const float* threshold, Events events, uint32_t* bits,
                   void* membranes, Shape shape, Neuron spec, int64_t narrow, int64_t threads) {
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

}  // extern "C"
