// Neurons of one layer over all steps, an image at a time, for whatever makes their currents.
namespace {

// Products that are added: in one instruction where the processor has it. Only for integers and gradients.
inline float added(float sum, float a, float b) {
#ifdef FP_FAST_FMAF
    return __builtin_fmaf(a, b, sum);
#else
    return sum + a * b;
#endif
}

// Threshold and steepness of every neuron, and how often an image is stepped.
struct Population {
    const float *threshold, *steepness;
    int64_t steps, batch, neurons;
    Neuron spec;
};

template <typename Stored, bool LEAK, bool ZERO, bool SINGLE>
void step(const Population& of, const float* __restrict current, float* __restrict v, float* __restrict fired,
          Stored* __restrict u, float* __restrict s) {
    const float* __restrict limit = of.threshold;
    const Neuron spec = of.spec;
    for (int64_t i = 0; i < of.neurons; ++i) {
        const float kept = LEAK ? v[i] - std::floor(v[i] * spec.leak) : v[i];
        const float now = std::min(std::max(kept + current[i], spec.low), spec.high);
        float fires = now >= limit[i] ? 1.0f : 0.0f;
        if (SINGLE) {
            fires *= 1.0f - fired[i];
            fired[i] += fires;
        }
        u[i] = static_cast<Stored>(now);
        s[i] = fires;
        v[i] = now - fires * (ZERO ? now : limit[i]);
    }
}

// The spikes' bits [steps, batch, words] and membranes [batch, steps, neurons]; current(step, image, to) fills in a
// step's currents [neurons], where `hold` only those of step 0. Each thread has a copy of it.
template <typename Stored, typename Current>
void population_forward(const Population& of, uint32_t* bits, Stored* membranes, bool hold,
                        int64_t threads, const Current& given) {
    const int64_t n = of.neurons, words = (n + BLOCK - 1) / BLOCK;
    share(of.batch, threads, [&](int64_t first, int64_t last) {
        Current current = given;
        Floats now(n), v(n), fired(n), spikes(n);
        for (int64_t b = first; b < last; ++b) {
            v.fill(0.0f);
            fired.fill(0.0f);
            for (int64_t t = 0; t < of.steps; ++t) {
                if (!hold || t == 0) current(t, b, now.data());
                float* s = spikes.data();
                Stored* u = membranes + (b * of.steps + t) * n;
                choose(of.spec.leak != 0, [&](auto leak) {
                    choose(of.spec.to_zero, [&](auto zero) {
                        choose(of.spec.single, [&](auto single) {
                            step<Stored, leak, zero, single>(of, now.data(), v.data(), fired.data(), u, s);
                        });
                    });
                });
                for (int64_t w = 0; w < words; ++w)
                    bits[(t * of.batch + b) * words + w] = differing(s + w * BLOCK, n - w * BLOCK, 0.0f);
            }
        }
    });
}

// One step back: `grad` [neurons] of the currents from that of the spikes and of the step after, `later`, which it
// becomes. `before`: in how many earlier steps a neuron that spikes once would have fired.
template <typename Stored, bool ZERO, bool SINGLE>
void step_back(const Population& of, const float* __restrict given, const Stored* __restrict membrane,
               float* __restrict before, float* __restrict later) {
    const float *__restrict limit = of.threshold, *__restrict steep = of.steepness;
    const Neuron spec = of.spec;
    for (int64_t i = 0; i < of.neurons; ++i) {
        const float u = static_cast<float>(membrane[i]), far = u - limit[i], fires = far >= 0 ? 1.0f : 0.0f;
        float own = given[i] / (limit[i] + far * far * steep[i]), free = 1.0f;
        if (SINGLE) {
            before[i] -= fires;
            free = before[i] > 0 ? 0.0f : 1.0f;
            own *= free;
        }
        own += spec.carry * (ZERO ? later[i] * (1.0f - fires * free) : later[i]);
        later[i] = (u > spec.low) & (u < spec.high) ? own : 0.0f;
    }
}

// Calls taken(step, image, gradient of its currents [neurons]) for the images from `first` to `last`; where `hold`,
// once an image, with the sum over the steps.
template <typename Stored, typename Taken>
void population_backward(const Population& of, const float* grad_spikes, const Stored* membranes, bool hold,
                         int64_t first, int64_t last, Taken taken) {
    const int64_t n = of.neurons;
    Floats later(n), before(n), sum(n);
    for (int64_t b = first; b < last; ++b) {
        const Stored* own = membranes + b * of.steps * n;
        later.fill(0.0f);
        if (of.spec.single) {
            before.fill(0.0f);
            for (int64_t t = 0; t < of.steps; ++t)
                for (int64_t i = 0; i < n; ++i) before.data()[i] += own[t * n + i] >= of.threshold[i];
        }
        if (hold) sum.fill(0.0f);
        for (int64_t t = of.steps - 1; t >= 0; --t) {
            choose(of.spec.to_zero, [&](auto zero) {
                choose(of.spec.single, [&](auto single) {
                    step_back<Stored, zero, single>(
                        of, grad_spikes + (t * of.batch + b) * n, own + t * n, before.data(), later.data());
                });
            });
            if (hold)
                for (int64_t i = 0; i < n; ++i) sum.data()[i] += later.data()[i];
            else
                taken(t, b, later.data());
        }
        if (hold) taken(int64_t(0), b, sum.data());
    }
}

}  // namespace
