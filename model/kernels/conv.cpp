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

// Input spikes [steps, batch, inputs] in one of three forms: each as often as its number says, as bits, a word for each
// BLOCK of them, or as lists of events. Those of the last two count once.
struct Given {
    const float* rows;
    const uint32_t* bits;
    const int64_t *address, *start;
};

// The spikes of one image in one step.
class Spikes {
    const Given from;
    const int64_t inputs, words;
    std::vector<uint32_t> fired;  // a word longer than need be: bits are read across words
    const float* times = nullptr;  // how often each counts, if not once
    int64_t number = 0;

public:
    Spikes(Given given, int64_t count) : from(given), inputs(count), words((count + BLOCK - 1) / BLOCK), fired(words + 1) {}

    void see(int64_t place) {
        times = nullptr;
        number = 0;
        if (from.bits) {
            std::copy_n(from.bits + place * words, words, fired.data());
            for (int64_t w = 0; w < words; ++w) number += __builtin_popcount(fired[w]);
        } else if (from.rows) {
            const float* row = from.rows + place * inputs;
            bool once = true;
            for (int64_t w = 0; w < words; ++w) {
                const int64_t left = inputs - w * BLOCK;
                fired[w] = differing(row + w * BLOCK, left, 0.0f);
                // Most are silent.
                once &= !fired[w] || fired[w] == (~differing(row + w * BLOCK, left, 1.0f) & lowest(left));
                number += __builtin_popcount(fired[w]);
            }
            if (!once) times = row;
        } else {
            std::fill(fired.begin(), fired.end(), 0u);
            number = from.start[place + 1] - from.start[place];
            for (int64_t e = from.start[place]; e < from.start[place + 1]; ++e)
                fired[from.address[e] / BLOCK] |= 1u << from.address[e] % BLOCK;
        }
    }

    int64_t count() const { return number; }
    bool once() const { return !times; }

    // 16 from `first` on, in the lowest bits; above them are others.
    uint32_t some(int64_t first) const {
        uint64_t both;
        std::memcpy(&both, fired.data() + first / BLOCK, sizeof(both));
        return both >> first % BLOCK;
    }

    // with(address, how often)
    template <typename Each> void each(Each with) const {
        for (int64_t w = 0; w < words; ++w)
            for (uint32_t bits = fired[w]; bits; bits &= bits - 1) {
                const int64_t a = w * BLOCK + __builtin_ctz(bits);
                with(a, times ? times[a] : 1.0f);
            }
    }
};

// Where each event's weights [channels, kernel, own] and outputs [rows, columns, filters] are.
class Scatter {
    struct Meeting {
        int32_t weight, output;  // offsets in their arrays, from those of the channel
    };
    const int64_t channels, seen, taps, own;  // in all and of a group; weights of a channel and filter; filters of a group
    std::vector<Meeting> met;     // of a place of the map after the other
    std::vector<int32_t> first;   // where each begins

public:
    explicit Scatter(const Window& w)
        : channels(w.channels), seen(w.channels / w.groups), taps(w.taps()), own(w.own()) {
        for (int64_t y = 0; y < w.height; ++y)
            for (int64_t x = 0; x < w.width; ++x) {
                first.push_back(met.size());
                for (int64_t tap = 0; tap < taps; ++tap) {
                    const int64_t row = output(w, 0, y, tap / w.kernel[1]), column = output(w, 1, x, tap % w.kernel[1]);
                    if (row < 0 || row >= w.rows || column < 0 || column >= w.columns) continue;
                    const int64_t at = (row * w.columns + column) * w.filters;
                    met.push_back({static_cast<int32_t>(tap * own), static_cast<int32_t>(at)});
                }
            }
        first.push_back(met.size());
    }

    // How many outputs see an input, in the mean.
    double meetings() const { return double(met.size()) / (first.size() - 1); }

    // with(weight's offset, output's offset) for all that the event meets.
    template <typename Each> void each(int64_t address, Each with) const {
        // Of 32 bits: wider divisions take several times as long.
        const uint32_t place = uint32_t(address) / uint32_t(channels), c = uint32_t(address) % uint32_t(channels);
        const int64_t weight = c * taps * own, output = seen == channels ? 0 : c / uint32_t(seen) * own;
        for (int32_t i = first[place]; i < first[place + 1]; ++i) with(weight + met[i].weight, output + met[i].output);
    }

private:
    // The output along an axis whose kernel's place `k` looks at `at`, -1 if none.
    static int64_t output(const Window& w, int axis, int64_t at, int64_t k) {
        const int64_t from = at + w.padding[axis] - k * w.dilation[axis];
        return from >= 0 && from % w.stride[axis] == 0 ? from / w.stride[axis] : -1;
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

// The other way round: which weights an output's current has. Where many inputs spike this is quicker than going from
// event to event: sums stay in registers, and which of them spike is found without a branch for each.
class Look {
    static constexpr int64_t AT_ONCE = 16;
    struct Run {
        int64_t input;   // the first of `count` inputs side by side
        int64_t weight;  // where their weights' offsets begin
        int32_t count;
    };
    std::vector<Run> runs;           // of a place and group after the other
    std::vector<size_t> first;       // where each begins
    std::vector<int32_t> weights;    // offsets of the weights of [group, kernel, channels / groups]
    int64_t most = 0, chunks = 0;

public:
    explicit Look(const Window& w) {
        const int64_t seen = w.channels / w.groups;
        for (int64_t c = 0; c < w.groups; ++c)
            for (int64_t tap = 0; tap < w.taps(); ++tap)
                for (int64_t i = 0; i < seen; ++i) weights.push_back(((c * seen + i) * w.taps() + tap) * w.own());
        weights.resize(weights.size() + AT_ONCE);
        // Inputs of one row of a kernel lie side by side where it leaves none out, and all channels are seen.
        const int64_t together = w.dilation[1] == 1 && w.groups == 1 ? w.kernel[1] : 1;
        for (int64_t row = 0; row < w.rows; ++row)
            for (int64_t column = 0; column < w.columns; ++column)
                for (int64_t group = 0; group < w.groups; ++group) {
                    first.push_back(runs.size());
                    for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
                        const int64_t y = row * w.stride[0] - w.padding[0] + ky * w.dilation[0];
                        if (y < 0 || y >= w.height) continue;
                        for (int64_t k = 0; k < w.kernel[1]; k += together) {
                            const int64_t from = column * w.stride[1] - w.padding[1] + k * w.dilation[1];
                            const int64_t x = std::max<int64_t>(from, 0), end = std::min(from + together, w.width);
                            if (x >= end) continue;
                            const int64_t tap = group * w.taps() + ky * w.kernel[1] + k + (x - from);
                            const int64_t input = (y * w.width + x) * w.channels + group * seen;
                            runs.push_back({input, tap * seen, static_cast<int32_t>((end - x) * seen)});
                            chunks += (runs.back().count + AT_ONCE - 1) / AT_ONCE;
                        }
                    }
                }
        first.push_back(runs.size());
        most = seen * w.taps() + AT_ONCE;
    }

    // Whether it takes less than going through the events, each of which meets so many outputs.
    bool pays(const Spikes& spikes, double meetings) const {
        return spikes.once() && spikes.count() * meetings > chunks;
    }

    // How many offsets `each` may find at once.
    int64_t room() const { return most; }

    // with(place * groups + group, offsets of the weights whose inputs spike, how many)
    template <typename Each> void each(const Spikes& spikes, int32_t* found, Each with) const {
        for (size_t at = 0; at + 1 < first.size(); ++at) {
            int64_t count = 0;
            for (size_t r = first[at]; r < first[at + 1]; ++r)
                for (int32_t i = 0; i < runs[r].count; i += AT_ONCE) {
                    const int32_t* offsets = weights.data() + runs[r].weight + i;
                    uint32_t fired = spikes.some(runs[r].input + i) & lowest(std::min<int64_t>(AT_ONCE, runs[r].count - i));
#ifdef __AVX512F__
                    _mm512_storeu_si512(found + count,
                                        _mm512_maskz_compress_epi32(fired, _mm512_loadu_si512(offsets)));
                    count += __builtin_popcount(fired);
#else
                    for (; fired; fired &= fired - 1) found[count++] = offsets[__builtin_ctz(fired)];
#endif
                }
            with(at, found, count);
        }
    }
};

// Rows of a known number of channels, whole vectors, in registers.
template <int64_t OWN> struct Channels {
    static constexpr int64_t LANES = std::min<int64_t>(OWN, WIDEST / sizeof(float)), PARTS = OWN / LANES;
    typedef float Vector __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
    Vector part[PARTS];

    void operator+=(const float* row) {
        for (int64_t p = 0; p < PARTS; ++p) part[p] += reinterpret_cast<const Vector*>(row)[p];
    }
    void add_to(float* row) const {
        for (int64_t p = 0; p < PARTS; ++p) reinterpret_cast<Vector*>(row)[p] += part[p];
    }
};

// The gradient [inputs] of an image's inputs in each step, from that of its currents [steps, rows, columns, filters].
// Weight [groups, own, taps, channels / groups]: an output's gradient times it, added where its taps look. Some
// places are worked on together, so that a weight that is read serves all of them.
class Gather {
    typedef float Vector __attribute__((vector_size(WIDEST)));
    struct Part {
        Vector value;  // as an array's entry this begins where a line of the cache does
    };
    // An output: where its kernel begins in the map, and the gradients of that step's inputs.
    struct Place {
        float* to;
        int64_t y, x;
    };
    static constexpr int64_t LANES = WIDEST / sizeof(float), TOGETHER = 4;
    const Window w;
    const int64_t length, vectors;
    std::vector<Part> weight, products;
    std::vector<float> rest;

    // `PARTS` vectors of the products [TOGETHER, vectors] of the gradients of a group's outputs at as many places.
    template <int PARTS>
    FUSED static void multiply(const float* grad, int64_t stride, int64_t own, const Part* rows, int64_t vectors,
                               Part* to) {
        FUSE
        Vector sums[TOGETHER][PARTS] = {};
        for (int64_t j = 0; j < own; ++j) {
            Vector row[PARTS];
#pragma GCC unroll 3
            for (int64_t k = 0; k < PARTS; ++k) row[k] = rows[j * vectors + k].value;
#pragma GCC unroll 4
            for (int64_t p = 0; p < TOGETHER; ++p)
#pragma GCC unroll 3
                for (int64_t k = 0; k < PARTS; ++k) sums[p][k] += row[k] * grad[p * stride + j];
        }
#pragma GCC unroll 4
        for (int64_t p = 0; p < TOGETHER; ++p)
#pragma GCC unroll 3
            for (int64_t k = 0; k < PARTS; ++k) to[p * vectors + k].value = sums[p][k];
    }

public:
    Gather(const Window& window, const float* weights)
        : w(window), length(w.taps() * w.channels / w.groups), vectors((length + LANES - 1) / LANES),
          weight(w.filters * vectors), products(TOGETHER * vectors), rest(TOGETHER * w.filters) {
        for (int64_t f = 0; f < w.filters; ++f)
            std::memcpy(weight.data() + f * vectors, weights + f * length, length * sizeof(float));
    }

    // The gradients of a step lie `apart` from those of the one before.
    void operator()(const float* grad, int64_t steps, float* to, int64_t apart) {
        for (int64_t t = 0; t < steps; ++t) std::fill_n(to + t * apart, w.inputs(), 0.0f);
        const int64_t places = w.rows * w.columns, all = steps * places;
        Place at{to, -w.padding[0], -w.padding[1]};
        for (int64_t first = 0; first < all; first += TOGETHER) {
            const int64_t count = std::min(TOGETHER, all - first);
            const float* own = grad + first * w.filters;
            if (count < TOGETHER) own = std::copy_n(own, count * w.filters, rest.data()) - count * w.filters;
            Place next = at;
            for (int64_t group = 0; group < w.groups; ++group) {
                const int64_t filter = group * w.own();
                multiplied(own + filter, weight.data() + filter * vectors);
                next = at;
                for (int64_t p = 0; p < count; ++p) {
                    add(next, group, reinterpret_cast<const float*>(products.data() + p * vectors));
                    advance(next, apart);
                }
            }
            at = next;
        }
    }

private:
    void multiplied(const float* grad, const Part* rows) {
        int64_t k = 0;
        for (; k + 3 <= vectors; k += 3) multiply<3>(grad, w.filters, w.own(), rows + k, vectors, products.data() + k);
        for (; k < vectors; ++k) multiply<1>(grad, w.filters, w.own(), rows + k, vectors, products.data() + k);
    }

    // To the next output, in the next row or step where one is done: no division tells where it is.
    void advance(Place& at, int64_t apart) const {
        if ((at.x += w.stride[1]) <= (w.columns - 1) * w.stride[1] - w.padding[1]) return;
        at.x = -w.padding[1];
        if ((at.y += w.stride[0]) <= (w.rows - 1) * w.stride[0] - w.padding[0]) return;
        at.y = -w.padding[0];
        at.to += apart;
    }

    void add(const Place& at, int64_t group, const float* found) const {
        const int64_t seen = w.channels / w.groups;
        // Inputs of one row of a kernel lie side by side where it leaves none out, and all channels are seen.
        const int64_t together = w.dilation[1] == 1 && w.groups == 1 ? w.kernel[1] : 1;
        for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
            const int64_t y = at.y + ky * w.dilation[0];
            if (y < 0 || y >= w.height) continue;
            for (int64_t kx = 0; kx < w.kernel[1]; kx += together) {
                const int64_t from = at.x + kx * w.dilation[1];
                const int64_t x = std::max<int64_t>(from, 0), count = (std::min(from + together, w.width) - x) * seen;
                float* to = at.to + (y * w.width + x) * w.channels + group * seen;
                const float* own = found + (ky * w.kernel[1] + kx + x - from) * seen;
                for (int64_t i = 0; i < count; ++i) to[i] += own[i];
            }
        }
    }
};

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
