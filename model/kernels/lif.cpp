// Neurons driven by currents that something else has made.
namespace {

template <typename Stored>
void lif_forward_as(const Population& of, const float* current, const float* bias, uint32_t* bits, Stored* membranes,
                    bool hold, int64_t threads) {
    const int64_t n = of.neurons;
    population_forward(of, bits, membranes, hold, threads, [&](int64_t t, int64_t b, float* to) {
        const float* from = current + (t * of.batch + b) * n;
        for (int64_t i = 0; i < n; ++i) to[i] = from[i] + bias[i];
    });
}

template <typename Stored>
void lif_backward_as(const Population& of, const float* grad_spikes, const Stored* membranes, float* grad_current,
                     bool hold, int64_t threads) {
    share(of.batch, threads, [&](int64_t first, int64_t last) {
        population_backward(of, grad_spikes, membranes, hold, first, last, [&](int64_t t, int64_t b, const float* by) {
            std::memcpy(grad_current + (t * of.batch + b) * of.neurons, by, of.neurons * sizeof(float));
        });
    });
}

}  // namespace

extern "C" {

// The spikes' bits [steps, batch, words] and membranes [batch, steps, neurons], of 16-bit integers where `narrow`, of
// currents [steps, batch, neurons], or [batch, neurons] where `hold`, plus bias [neurons].
void lif_forward(const float* current, const float* bias, const float* threshold, uint32_t* bits, void* membranes,
                 int64_t steps, int64_t batch, int64_t neurons, Neuron spec, int64_t hold, int64_t narrow,
                 int64_t threads) {
    const Population of{threshold, nullptr, steps, batch, neurons, spec};
    const auto run = [&](auto* stored) { lif_forward_as(of, current, bias, bits, stored, hold, threads); };
    narrow ? run(static_cast<int16_t*>(membranes)) : run(static_cast<float*>(membranes));
}

// Gradient of the currents, in their shape.
void lif_backward(const float* grad_spikes, const float* threshold, const float* steepness, const void* membranes,
                  float* grad_current, int64_t steps, int64_t batch, int64_t neurons, Neuron spec, int64_t hold,
                  int64_t narrow, int64_t threads) {
    const Population of{threshold, steepness, steps, batch, neurons, spec};
    const auto run = [&](auto* stored) { lif_backward_as(of, grad_spikes, stored, grad_current, hold, threads); };
    narrow ? run(static_cast<const int16_t*>(membranes)) : run(static_cast<const float*>(membranes));
}

}  // extern "C"
