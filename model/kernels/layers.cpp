// Dense layers: events, and the passes over them, forward and backward.
namespace {

struct Shape {
    int64_t steps, batch, inputs, neurons;
};

// Places are step * batch + image; place p has the addresses from start[p] to start[p + 1].
struct Events {
    const int64_t *address, *start;
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

template <typename Number, bool LEAK, bool ZERO, bool SINGLE>
void forward(Quantiser weight, const float* bias, const float* threshold, Events events, float* spikes,
             Number* membranes, Shape shape, Neuron spec, int64_t threads) {
    const auto [steps, batch, inputs, n] = shape;
    share((n + BLOCK - 1) / BLOCK, threads, [=](int64_t first, int64_t last) {
        std::vector<Row<Number>> rows(inputs);
        for (int64_t from = first * BLOCK; from < std::min(n, last * BLOCK); from += BLOCK) {
            const int64_t width = std::min(BLOCK, n - from);
            transposed(weight, from, width, inputs, rows.data());
            float own_bias[BLOCK], limit[BLOCK];
            load(bias + from, own_bias, width);
            load(threshold + from, limit, width);
            for (int64_t b = 0; b < batch; ++b) {
                float v[BLOCK] = {0}, fired[BLOCK] = {0};
                for (int64_t t = 0; t < steps; ++t) {
                    const int64_t place = t * batch + b;
                    Row<Number> current = {};
                    for (int64_t e = events.start[place]; e < events.start[place + 1]; ++e)
                        current += rows[events.address[e]];
                    float s[BLOCK];
                    Number* kept_u = membranes + (from * batch + b * BLOCK) * steps + t * BLOCK;
                    for (int64_t i = 0; i < BLOCK; ++i) {
                        const float kept = LEAK ? v[i] - std::floor(v[i] * spec.leak) : v[i];
                        const float sum = kept + (current.value[i] + own_bias[i]);
                        const float u = std::min(std::max(sum, spec.low), spec.high);
                        s[i] = u >= limit[i] ? 1.0f : 0.0f;
                        if (SINGLE) {
                            s[i] *= 1.0f - fired[i];
                            fired[i] += s[i];
                        }
                        kept_u[i] = u;
                        v[i] = u - s[i] * (ZERO ? u : limit[i]);
                    }
                    std::memcpy(spikes + place * n + from, s, width * sizeof(float));
                }
            }
        }
    });
}

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

template <typename Number>
void backward(Quantiser weight, const float* grad_spikes, const Number* membranes, const float* threshold,
              const float* steepness, Events events, float* grad_weight, float* grad_bias, float* grad_current,
              Shape shape, Neuron spec, int64_t threads) {
    const auto [steps, batch, inputs, n] = shape;
    const auto [address, start] = events;
    // The places address after address: a sum in registers is several times as fast as one in the cache.
    std::vector<int64_t> begin(inputs + 1, 0), where(start[steps * batch]);
    for (int64_t e = 0; e < start[steps * batch]; ++e) ++begin[address[e] + 1];
    for (int64_t a = 0; a < inputs; ++a) begin[a + 1] += begin[a];
    std::vector<int64_t> next(begin);
    for (int64_t place = 0; place < steps * batch; ++place)
        for (int64_t e = start[place]; e < start[place + 1]; ++e) where[next[address[e]]++] = place;
    share((n + BLOCK - 1) / BLOCK, threads, [=, &begin, &where](int64_t first, int64_t last) {
        std::vector<Row<float>> grad(steps * batch), sums(inputs);
        std::vector<float> integers(inputs);
        for (int64_t from = first * BLOCK; from < std::min(n, last * BLOCK); from += BLOCK) {
            const int64_t width = std::min(BLOCK, n - from);
            float limit[BLOCK], steep[BLOCK], total[BLOCK] = {0};
            load(threshold + from, limit, width);
            load(steepness + from, steep, width);
            std::fill_n(limit + width, BLOCK - width, 1.0f);
            for (int64_t b = 0; b < batch; ++b) {
                const Number* u_block = membranes + (from * batch + b * BLOCK) * steps;
                float later[BLOCK] = {0}, before[BLOCK] = {0};
                if (spec.single)  // in how many steps it would have fired
                    for (int64_t t = 0; t < steps; ++t)
                        for (int64_t i = 0; i < BLOCK; ++i) before[i] += u_block[t * BLOCK + i] >= limit[i];
                for (int64_t t = steps - 1; t >= 0; --t) {
                    const int64_t place = t * batch + b;
                    const Number* u = u_block + t * BLOCK;
                    Row<float> given;
                    Row<float>& g = grad[place];
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
                Row<float> sum = {};
                for (int64_t e = begin[a]; e < begin[a + 1]; ++e) sum += grad[where[e]];
                sums[a] = sum;
            }
            transposed(sums.data(), width, inputs, grad_weight + from * inputs);
            for (int64_t i = 0; i < width; ++i)
                straight_through(weight, from + i, inputs, integers.data(), grad_weight + (from + i) * inputs);
        }
    });
}

// Which of the next values, BLOCK at most, are not 0.
uint32_t spiking(const float* x, int64_t width) {
    uint32_t fired = 0;
#ifdef __AVX512F__
    if (width >= BLOCK) {
        const __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16), none = _mm512_setzero_ps();
        return _mm512_cmp_ps_mask(low, none, _CMP_NEQ_UQ) |
               uint32_t(_mm512_cmp_ps_mask(high, none, _CMP_NEQ_UQ)) << 16;
    }
#endif
    for (int64_t i = 0; i < std::min(width, BLOCK); ++i) fired |= uint32_t(x[i] != 0) << i;
    return fired;
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

// Spikes [places, width]: where each place begins [places + 1], and the addresses, for which there is room enough.
void spike_addresses(const float* spikes, int64_t* start, int64_t* address, int64_t places, int64_t width) {
    int64_t* to = address;
    start[0] = 0;
    for (int64_t p = 0; p < places; ++p) {
        for (int64_t from = 0; from < width; from += BLOCK)
            // Without a branch a spike: they come at random.
            for (uint32_t fired = spiking(spikes + p * width + from, width - from); fired; fired &= fired - 1)
                *to++ = from + __builtin_ctz(fired);
        start[p + 1] = to - address;
    }
}

// Spikes [steps, batch, neurons] of integer bias and threshold [neurons]; membranes in the order in which they are
// worked on, [blocks, batch, steps, BLOCK], of 16 bits (`narrow`) or floats.
void layer_forward(Quantiser weight, const float* bias, const float* threshold, const int64_t* address,
                   const int64_t* start, float* spikes, void* membranes, Shape shape, Neuron spec, int64_t narrow,
                   int64_t threads) {
    const auto run = [=](auto leak, auto zero, auto single) {
        const auto as = [=](auto* kept) {
            typedef std::remove_pointer_t<decltype(kept)> Number;
            forward<Number, leak, zero, single>(
                weight, bias, threshold, {address, start}, spikes, kept, shape, spec, threads);
        };
        if (narrow)
            as(static_cast<int16_t*>(membranes));
        else
            as(static_cast<float*>(membranes));
    };
    const auto choose = [=](bool is, auto then) { is ? then(std::true_type()) : then(std::false_type()); };
    choose(spec.leak != 0, [=](auto leak) {
        choose(spec.to_zero, [=](auto zero) {
            choose(spec.single, [=](auto single) { run(leak, zero, single); });
        });
    });
}

// Gradients of real-valued weight, integer bias and currents [steps, batch, neurons] (if not null) from those of the
// spikes; steepness [neurons]: (pi * slope)^2 / threshold.
void layer_backward(Quantiser weight, const float* grad_spikes, const void* membranes, const float* threshold,
                    const float* steepness, const int64_t* address, const int64_t* start, float* grad_weight,
                    float* grad_bias, float* grad_current, Shape shape, Neuron spec, int64_t narrow,
                    int64_t threads) {
    const auto as = [=](const auto* kept) {
        backward(weight, grad_spikes, kept, threshold, steepness, {address, start}, grad_weight, grad_bias,
                 grad_current, shape, spec, threads);
    };
    if (narrow)
        as(static_cast<const int16_t*>(membranes));
    else
        as(static_cast<const float*>(membranes));
}

}  // extern "C"
