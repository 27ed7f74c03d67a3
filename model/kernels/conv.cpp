// Convolutions over channel-last maps, with their neurons: an event adds its weights' rows, one for each tap, to
// the currents of the outputs that see it, and the gradient of those weights is what the same outputs give back.
namespace {

struct Window {
    int64_t height, width, channels, rows, columns, filters, groups;
    int64_t kernel[2], stride[2], padding[2], dilation[2];

    int64_t taps() const { return kernel[0] * kernel[1]; }
    int64_t inputs() const { return height * width * channels; }
    int64_t neurons() const { return rows * columns * filters; }
    int64_t own() const { return filters / groups; }  // filters that see a channel
};

// Input spikes [steps, batch, inputs], each as often as its number says; or lists of events, in which all count once.
struct Spikes {
    const float* rows;
    const int64_t *address, *start;

    template <typename Each> void each(int64_t place, int64_t inputs, Each with) const {
        if (!rows) {
            for (int64_t e = start[place]; e < start[place + 1]; ++e) with(address[e], 1.0f);
            return;
        }
        const float* row = rows + place * inputs;
        for (int64_t from = 0; from < inputs; from += BLOCK) {
            const int64_t last = std::min(inputs - from, BLOCK);
            if (last == BLOCK) {  // most are silent: seen at once
                uint32_t bits[BLOCK], any = 0;
                std::memcpy(bits, row + from, sizeof(bits));
                for (uint32_t each : bits) any |= each;
                if (!any) continue;
            }
            uint32_t fired = 0;
            for (int64_t i = 0; i < last; ++i) fired |= uint32_t(row[from + i] != 0) << i;
            for (; fired; fired &= fired - 1) {
                const int64_t a = from + __builtin_ctz(fired);
                with(a, row[a]);
            }
        }
    }
};

// For every place along one axis: the weights and the outputs that meet there, as offsets in their arrays.
struct Meetings {
    struct Pair {
        int64_t weight, output;
    };
    std::vector<Pair> pairs;
    std::vector<int64_t> first;

    Meetings(const Window& w, int axis, int64_t weight, int64_t output) {
        const int64_t places = axis ? w.width : w.height, outputs = axis ? w.columns : w.rows;
        for (int64_t at = 0; at < places; ++at) {
            first.push_back(pairs.size());
            for (int64_t k = 0; k < w.kernel[axis]; ++k) {
                const int64_t from = at + w.padding[axis] - k * w.dilation[axis];
                if (from >= 0 && from % w.stride[axis] == 0 && from / w.stride[axis] < outputs)
                    pairs.push_back({k * weight, from / w.stride[axis] * output});
            }
        }
        first.push_back(pairs.size());
    }
};

// Where each event's weights [channels, kernel, own] and outputs [rows, columns, filters] are.
class Scatter {
    struct Address {
        int32_t y, x;
        int64_t weight, output;
    };
    Meetings down, across;
    std::vector<Address> addresses;

public:
    explicit Scatter(const Window& w)
        : down(w, 0, w.kernel[1] * w.own(), w.columns * w.filters), across(w, 1, w.own(), w.filters) {
        addresses.reserve(w.inputs());
        for (int32_t y = 0; y < w.height; ++y)
            for (int32_t x = 0; x < w.width; ++x)
                for (int64_t c = 0; c < w.channels; ++c)
                    addresses.push_back({y, x, c * w.taps() * w.own(), c * w.groups / w.channels * w.own()});
    }

    // with(weight's offset, output's offset) for all that the event meets.
    template <typename Each> void each(int64_t address, Each with) const {
        const Address a = addresses[address];
        for (int64_t i = down.first[a.y]; i < down.first[a.y + 1]; ++i)
            for (int64_t j = across.first[a.x]; j < across.first[a.x + 1]; ++j)
                with(a.weight + down.pairs[i].weight + across.pairs[j].weight,
                     a.output + down.pairs[i].output + across.pairs[j].output);
    }
};

// then(number of a group's channels, out or in), known when compiling for the usual ones.
template <typename Then> void with_filters(int64_t own, Then then) {
    switch (own) {
        case 8: return then(std::integral_constant<int64_t, 8>());
        case 16: return then(std::integral_constant<int64_t, 16>());
        case 32: return then(std::integral_constant<int64_t, 32>());
        case 64: return then(std::integral_constant<int64_t, 64>());
        default: return then(own);
    }
}

// A function whose products are added in one instruction each, which the rest of the kernels must not do.
#ifdef __clang__
#define FUSED __attribute__((noinline))
#define FUSE _Pragma("clang fp contract(fast)")
#else
#define FUSED __attribute__((noinline, optimize("fp-contract=fast")))
#define FUSE
#endif

// The gradient [inputs] of one image's inputs in one step, from that of its currents [rows, columns, filters].
// Weight [groups, own, taps, channels / groups]: an output's gradient times it, added where its taps look. Some
// places are worked on together, so that a weight that is read serves all of them.
class Gather {
    typedef float Vector __attribute__((vector_size(WIDEST)));
    // The same anywhere in memory. A copy by std::memcpy would go through the stack in halves, for which the
    // processor waits.
    typedef float Loose __attribute__((vector_size(WIDEST), aligned(sizeof(float)), may_alias));
    static constexpr int64_t LANES = WIDEST / sizeof(float), CHUNK = 2 * LANES, TOGETHER = 4;
    const Window w;
    const int64_t length, padded;
    std::vector<float> weight, products;

    // Products [TOGETHER, padded] of the gradients of a group's outputs at as many places.
    FUSED static void multiply(const float* grad, int64_t stride, int64_t own, const float* rows,
                                                   int64_t padded, float* to) {
        FUSE
        for (int64_t from = 0; from < padded; from += CHUNK) {
            // Eight sums by name: an array of them would be written at every turn.
            Vector a0 = {}, a1 = {}, b0 = {}, b1 = {}, c0 = {}, c1 = {}, d0 = {}, d1 = {};
            for (int64_t j = 0; j < own; ++j) {
                const Loose* row = reinterpret_cast<const Loose*>(rows + j * padded + from);
                const Vector r0 = row[0], r1 = row[1];
                const float a = grad[j], b = grad[stride + j], c = grad[2 * stride + j], d = grad[3 * stride + j];
                a0 += r0 * a, a1 += r1 * a;
                b0 += r0 * b, b1 += r1 * b;
                c0 += r0 * c, c1 += r1 * c;
                d0 += r0 * d, d1 += r1 * d;
            }
            const Vector sums[TOGETHER][2] = {{a0, a1}, {b0, b1}, {c0, c1}, {d0, d1}};
            for (int64_t p = 0; p < TOGETHER; ++p) {
                Loose* there = reinterpret_cast<Loose*>(to + p * padded + from);
                there[0] = sums[p][0], there[1] = sums[p][1];
            }
        }
    }

public:
    Gather(const Window& window, const float* weights)
        : w(window), length(w.taps() * w.channels / w.groups), padded((length + CHUNK - 1) / CHUNK * CHUNK),
          weight(w.filters * padded), products(TOGETHER * padded) {
        for (int64_t f = 0; f < w.filters; ++f) std::copy_n(weights + f * length, length, weight.data() + f * padded);
    }

    void operator()(const float* grad, float* to) {
        std::fill_n(to, w.inputs(), 0.0f);
        const int64_t places = w.rows * w.columns;
        std::vector<float> rest(TOGETHER * w.filters);
        for (int64_t place = 0; place < places; place += TOGETHER) {
            const int64_t count = std::min(TOGETHER, places - place);
            const float* own = grad + place * w.filters;
            if (count < TOGETHER) own = std::copy_n(own, count * w.filters, rest.data()) - count * w.filters;
            for (int64_t group = 0; group < w.groups; ++group) {
                const int64_t first = group * w.own();
                multiply(own + first, w.filters, w.own(), weight.data() + first * padded, padded, products.data());
                with_filters(w.channels / w.groups, [&](auto channels) {
                    for (int64_t p = 0; p < count; ++p)
                        add((place + p) / w.columns, (place + p) % w.columns, products.data() + p * padded, channels,
                            to + group * channels);
                });
            }
        }
    }

private:
    template <typename Count>
    void add(int64_t row, int64_t column, const float* found, Count channels, float* to) const {
        for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
            const int64_t y = row * w.stride[0] - w.padding[0] + ky * w.dilation[0];
            if (y < 0 || y >= w.height) continue;
            for (int64_t kx = 0; kx < w.kernel[1]; ++kx) {
                const int64_t x = column * w.stride[1] - w.padding[1] + kx * w.dilation[1];
                if (x < 0 || x >= w.width) continue;
                float* there = to + (y * w.width + x) * w.channels;
                const float* own = found + (ky * w.kernel[1] + kx) * channels;
                for (int64_t c = 0; c < channels; ++c) there[c] += own[c];
            }
        }
    }
};

template <typename Stored>
void conv_forward_as(Window w, const float* weight, const float* bias, Population of, Spikes given, float* spikes,
                     Stored* membranes, bool hold, int64_t threads) {
    const Scatter scatter(w);
    with_filters(w.own(), [&](auto own) {
        population_forward(of, spikes, membranes, hold, threads, [&](int64_t t, int64_t b, float* to) {
            std::memcpy(to, bias, of.neurons * sizeof(float));
            given.each(t * of.batch + b, w.inputs(), [&](int64_t address, float times) {
                scatter.each(address, [&](int64_t from, int64_t at) {
                    for (int64_t i = 0; i < own; ++i) to[at + i] = added(to[at + i], times, weight[from + i]);
                });
            });
        });
    });
}

template <typename Stored>
void conv_backward_as(Window w, const float* backward_weight, const float* grad_spikes, Population of, Spikes given,
                      const Stored* membranes, float* grad_weight, float* grad_bias, float* grad_inputs, bool hold,
                      int64_t threads) {
    const Scatter scatter(w);
    const int64_t weights = w.channels * w.taps() * w.own(), n = of.neurons, sums = std::min(SUMS, of.batch);
    std::vector<float> by_weight(sums * weights), by_bias(sums * n);
    with_filters(w.own(), [&](auto own) {
        share(sums, threads, [&](int64_t first, int64_t last) {
            Gather gather(w, backward_weight);
            for (int64_t sum = first; sum < last; ++sum) {
                float *weight = by_weight.data() + sum * weights, *bias = by_bias.data() + sum * n;
                population_backward(of, grad_spikes, membranes, hold, of.batch * sum / sums,
                                    of.batch * (sum + 1) / sums, [&](int64_t t, int64_t b, const float* grad) {
                    const int64_t place = t * of.batch + b;
                    for (int64_t i = 0; i < n; ++i) bias[i] += grad[i];
                    given.each(place, w.inputs(), [&](int64_t address, float times) {
                        scatter.each(address, [&](int64_t to, int64_t from) {
                            for (int64_t i = 0; i < own; ++i)
                                weight[to + i] = added(weight[to + i], times, grad[from + i]);
                        });
                    });
                    if (grad_inputs) gather(grad, grad_inputs + place * w.inputs());
                });
            }
        });
    });
    std::copy_n(by_weight.data(), weights, grad_weight);
    std::copy_n(by_bias.data(), n, grad_bias);
    for (int64_t sum = 1; sum < sums; ++sum) {
        for (int64_t i = 0; i < weights; ++i) grad_weight[i] += by_weight[sum * weights + i];
        for (int64_t i = 0; i < n; ++i) grad_bias[i] += by_bias[sum * n + i];
    }
}

}  // namespace

extern "C" {

// Spikes [steps, batch, neurons] and membranes [batch, steps, neurons], of 16-bit integers where `narrow`, of weights
// [channels, kernel, own], bias and threshold [neurons]; `rows` or `address` and `start` give the input.
void conv_forward(Window window, const float* weight, const float* bias, const float* threshold, const float* rows,
                  const int64_t* address, const int64_t* start, float* spikes, void* membranes, int64_t steps,
                  int64_t batch, Neuron spec, int64_t hold, int64_t narrow, int64_t threads) {
    const Population of{threshold, nullptr, steps, batch, window.neurons(), spec};
    const auto run = [&](auto* stored) {
        conv_forward_as(window, weight, bias, of, {rows, address, start}, spikes, stored, hold, threads);
    };
    narrow ? run(static_cast<int16_t*>(membranes)) : run(static_cast<float*>(membranes));
}

// Gradients of the weight, the bias [neurons] and, where not null, the inputs [steps, batch, inputs].
void conv_backward(Window window, const float* backward_weight, const float* grad_spikes, const float* threshold,
                   const float* steepness, const float* rows, const int64_t* address, const int64_t* start,
                   const void* membranes, float* grad_weight, float* grad_bias, float* grad_inputs, int64_t steps,
                   int64_t batch, Neuron spec, int64_t hold, int64_t narrow, int64_t threads) {
    const Population of{threshold, steepness, steps, batch, window.neurons(), spec};
    const auto run = [&](auto* stored) {
        conv_backward_as(window, backward_weight, grad_spikes, of, {rows, address, start}, stored, grad_weight,
                         grad_bias, grad_inputs, hold, threads);
    };
    narrow ? run(static_cast<const int16_t*>(membranes)) : run(static_cast<const float*>(membranes));
}

}  // extern "C"
