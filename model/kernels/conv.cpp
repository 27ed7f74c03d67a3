// Convolutions over channel-last maps, with their neurons: an event adds its weights' rows, one for each tap, to
// the currents of the outputs that see it, and the gradient of those weights is what the same outputs give back.
namespace {

template <typename Stored>
void conv_forward_as(Window w, const float* weight, const float* bias, Population of, Given given, uint32_t* bits,
                     Stored* membranes, bool hold, int64_t threads) {
    const Scatter scatter(w);
    const Look look(w);
    with_filters(w.own(), [&](auto own) {
        // Each thread has a copy, and so room of its own.
        auto current = [&, seen = Spikes(given, w.inputs()), found = std::vector<int32_t>(look.room())](
                           int64_t t, int64_t b, float* to) mutable {
            std::memcpy(to, bias, of.neurons * sizeof(float));
            seen.see(t * of.batch + b);
            if constexpr (!std::is_same<decltype(own), int64_t>())
                if (look.pays(seen, scatter.meetings()))
                    return look.each(seen, found.data(), [&](int64_t at, const int32_t* rows, int64_t count) {
                        Channels<own> sum = {};
                        for (int64_t i = 0; i < count; ++i) sum += weight + rows[i];
                        sum.add_to(to + at * own);
                    });
            seen.each([&](int64_t address, float times) {
                scatter.each(address, [&](int64_t from, int64_t at) {
                    for (int64_t i = 0; i < own; ++i) to[at + i] = added(to[at + i], times, weight[from + i]);
                });
            });
        };
        population_forward(of, bits, membranes, hold, threads, current);
    });
}

template <typename Stored>
void conv_backward_as(Window w, const float* backward_weight, const float* grad_spikes, Population of, Given given,
                      const Stored* membranes, float* grad_weight, float* grad_bias, float* grad_inputs, bool hold,
                      int64_t threads) {
    const Scatter scatter(w);
    const Look look(w);
    const int64_t weights = w.channels * w.taps() * w.own(), n = of.neurons, sums = std::min(SUMS, of.batch);
    Floats by_weight(sums * weights), by_bias(sums * n);
    with_filters(w.own(), [&](auto own) {
        share(sums, threads, [&](int64_t first, int64_t last) {
            Gather gather(w, backward_weight);
            Spikes seen(given, w.inputs());
            std::vector<int32_t> found(look.room());
            Floats grads(grad_inputs ? of.steps * n : 0);
            for (int64_t sum = first; sum < last; ++sum) {
                float *weight = by_weight.data() + sum * weights, *bias = by_bias.data() + sum * n;
                const auto learn = [&](const float* grad) {
                    if constexpr (!std::is_same<decltype(own), int64_t>())
                        if (look.pays(seen, scatter.meetings()))
                            return look.each(seen, found.data(), [&](int64_t at, const int32_t* rows, int64_t count) {
                                Channels<own> by_current = {};
                                by_current += grad + at * own;
                                for (int64_t i = 0; i < count; ++i) by_current.add_to(weight + rows[i]);
                            });
                    seen.each([&](int64_t address, float times) {
                        scatter.each(address, [&](int64_t to, int64_t from) {
                            for (int64_t i = 0; i < own; ++i)
                                weight[to + i] = added(weight[to + i], times, grad[from + i]);
                        });
                    });
                };
                population_backward(of, grad_spikes, membranes, hold, of.batch * sum / sums,
                                    of.batch * (sum + 1) / sums, [&](int64_t t, int64_t b, const float* grad) {
                    for (int64_t i = 0; i < n; ++i) bias[i] += grad[i];
                    seen.see(t * of.batch + b);
                    learn(grad);
                    if (!grad_inputs) return;
                    std::copy_n(grad, n, grads.data() + t * n);
                    if (t == 0)  // the last: all steps of the image together
                        gather(grads.data(), hold ? 1 : of.steps, grad_inputs + b * w.inputs(), of.batch * w.inputs());
                });
            }
        });
    });
    std::copy_n(by_weight.data(), weights, grad_weight);
    std::copy_n(by_bias.data(), n, grad_bias);
    for (int64_t sum = 1; sum < sums; ++sum) {
        for (int64_t i = 0; i < weights; ++i) grad_weight[i] += by_weight.data()[sum * weights + i];
        for (int64_t i = 0; i < n; ++i) grad_bias[i] += by_bias.data()[sum * n + i];
    }
}

}  // namespace

extern "C" {

// The spikes' bits [steps, batch, words] and membranes [batch, steps, neurons], of 16-bit integers where `narrow`, of
// weights [channels, kernel, own], bias and threshold [neurons]; one of `rows`, `seen` (bits), and `address` and
// `start` gives the input.
void conv_forward(Window window, const float* weight, const float* bias, const float* threshold, const float* rows,
                  const uint32_t* seen, const int64_t* address, const int64_t* start, uint32_t* bits, void* membranes,
                  int64_t steps, int64_t batch, Neuron spec, int64_t hold, int64_t narrow,
                  int64_t threads) {
    const Population of{threshold, nullptr, steps, batch, window.neurons(), spec};
    const auto run = [&](auto* stored) {
        conv_forward_as(window, weight, bias, of, {rows, seen, address, start}, bits, stored, hold, threads);
    };
    narrow ? run(static_cast<int16_t*>(membranes)) : run(static_cast<float*>(membranes));
}

// Gradients of the weight, the bias [neurons] and, where not null, the inputs [steps, batch, inputs].
void conv_backward(Window window, const float* backward_weight, const float* grad_spikes, const float* threshold,
                   const float* steepness, const float* rows, const uint32_t* seen, const int64_t* address,
                   const int64_t* start, const void* membranes, float* grad_weight, float* grad_bias,
                   float* grad_inputs, int64_t steps, int64_t batch, Neuron spec, int64_t hold, int64_t narrow,
                   int64_t threads) {
    const Population of{threshold, steepness, steps, batch, window.neurons(), spec};
    const auto run = [&](auto* stored) {
        conv_backward_as(window, backward_weight, grad_spikes, of, {rows, seen, address, start}, stored, grad_weight,
                         grad_bias, grad_inputs, hold, threads);
    };
    narrow ? run(static_cast<const int16_t*>(membranes)) : run(static_cast<const float*>(membranes));
}

}  // extern "C"
