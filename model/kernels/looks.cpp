// Convolutions output by output.
namespace {

// then(number of a group's filters), known when compiling for the usual ones.
template <typename Then> void with_filters(int64_t own, Then then) {
    switch (own) {
        case 8: return then(std::integral_constant<int64_t, 8>());
        case 16: return then(std::integral_constant<int64_t, 16>());
        case 32: return then(std::integral_constant<int64_t, 32>());
        case 64: return then(std::integral_constant<int64_t, 64>());
        default: return then(own);
    }
}

// Which weights an output's current has. Where many inputs spike this is quicker than going from event to event: sums
// stay in registers, and which of them spike is found without a branch for each.
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
        const int64_t together = w.together();
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
                    const int64_t here = std::min<int64_t>(AT_ONCE, runs[r].count - i);
                    uint32_t fired = spikes.some(runs[r].input + i) & lowest(here);
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

}  // namespace
