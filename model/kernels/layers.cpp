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

    void integers(int64_t neuron, int64_t inputs, float* to) const {
        const float *w = weight + neuron * inputs, by = scale[neuron], most = limit;
        if (sign)
            for (int64_t a = 0; a < inputs; ++a) to[a] = w[a] >= 0 ? 1.0f : -1.0f;
        else
            for (int64_t a = 0; a < inputs; ++a)
                to[a] = std::min(std::max(std::nearbyint(w[a] / by), -most), most);
    }
};

template <typename Number, bool LEAK, bool ZERO, bool SINGLE>
void forward(Quantiser weight, const float* bias, const float* threshold, Events events, float* spikes,
             float* membranes, Shape shape, Neuron spec, int64_t threads) {
    const auto [steps, batch, inputs, n] = shape;
    share((n + BLOCK - 1) / BLOCK, threads, [=](int64_t first, int64_t last) {
        std::vector<Row<Number>> rows(inputs);
        std::vector<float> integers(inputs);
        for (int64_t from = first * BLOCK; from < std::min(n, last * BLOCK); from += BLOCK) {
            const int64_t width = std::min(BLOCK, n - from);
            for (int64_t i = 0; i < width; ++i) {
                weight.integers(from + i, inputs, integers.data());
                for (int64_t a = 0; a < inputs; ++a) rows[a].value[i] = integers[a];
            }
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
                    float s[BLOCK], *u = membranes + (from * batch + b * BLOCK) * steps + t * BLOCK;
                    for (int64_t i = 0; i < BLOCK; ++i) {
                        const float kept = LEAK ? v[i] - std::floor(v[i] * spec.leak) : v[i];
                        u[i] = std::min(std::max(kept + (current.value[i] + own_bias[i]), spec.low), spec.high);
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

// The gradient of a neuron's real-valued weights, in place of that of its integer ones: the gradient of
// quant/quantizers.py, where the scale comes from the weights as well. `integers`: room for them.
void straight_through(const Quantiser& weight, int64_t neuron, int64_t inputs, float* integers, float* grad) {
    weight.integers(neuron, inputs, integers);
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
            const int64_t last = std::min(width - from, BLOCK);
            uint32_t fired = 0;  // without a branch a spike: they come at random
            for (int64_t i = 0; i < last; ++i) fired |= uint32_t(spikes[p * width + from + i] != 0) << i;
            for (; fired; fired &= fired - 1) *to++ = from + __builtin_ctz(fired);
        }
    }
}

// Spikes [steps, batch, neurons] of integer bias and threshold [neurons]; membranes in the order in which they are
// worked on, [blocks, batch, steps, BLOCK].
void layer_forward(Quantiser weight, const float* bias, const float* threshold, const int64_t* address,
                   const int64_t* start, float* spikes, float* membranes, Shape shape, Neuron spec, int64_t threads) {
    const auto run = [=](auto leak, auto zero, auto single) {
        // Sums of small integers fit 16 bits: half the memory, twice as many an instruction.
        if (weight.limit * shape.inputs <= INT16_MAX)
            forward<int16_t, leak, zero, single>(
                weight, bias, threshold, {address, start}, spikes, membranes, shape, spec, threads);
        else
            forward<float, leak, zero, single>(
                weight, bias, threshold, {address, start}, spikes, membranes, shape, spec, threads);
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
void layer_backward(Quantiser weight, const float* grad_spikes, const float* membranes, const float* threshold,
                    const float* steepness, const int64_t* address, const int64_t* start, float* grad_weight,
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
        std::vector<Row<float>> grad(steps * batch), sums(inputs);
        std::vector<float> integers(inputs);
        for (int64_t from = first * BLOCK; from < std::min(n, last * BLOCK); from += BLOCK) {
            const int64_t width = std::min(BLOCK, n - from);
            float limit[BLOCK], steep[BLOCK], total[BLOCK] = {0};
            load(threshold + from, limit, width);
            load(steepness + from, steep, width);
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
            for (int64_t i = 0; i < width; ++i) {
                float* own = grad_weight + (from + i) * inputs;
                for (int64_t a = 0; a < inputs; ++a) own[a] = sums[a].value[i];
                straight_through(weight, from + i, inputs, integers.data(), own);
            }
        }
    });
}

}  // extern "C"
