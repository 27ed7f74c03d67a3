// Kernels that slide over channel-last maps: the spikes that they see, and what each of those meets.
namespace {

struct Window {
    int64_t height, width, channels, rows, columns, filters, groups;
    int64_t kernel[2], stride[2], padding[2], dilation[2];

    int64_t taps() const { return kernel[0] * kernel[1]; }
    int64_t inputs() const { return height * width * channels; }
    int64_t neurons() const { return rows * columns * filters; }
    int64_t own() const { return filters / groups; }  // filters that see a channel
    // How many taps of a row of the kernel see inputs that lie side by side: all where it leaves none out, and all
    // channels are seen.
    int64_t together() const { return dilation[1] == 1 && groups == 1 ? kernel[1] : 1; }
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
    Spikes(Given given, int64_t count)
        : from(given), inputs(count), words((count + BLOCK - 1) / BLOCK), fired(words + 1) {}

    void see(int64_t place) {
        times = nullptr;
        if (from.bits) {
            std::copy_n(from.bits + place * words, words, fired.data());
        } else if (from.rows) {
            const float* row = from.rows + place * inputs;
            bool once = true;
            for (int64_t w = 0; w < words; ++w) {
                const int64_t left = inputs - w * BLOCK;
                fired[w] = differing(row + w * BLOCK, left, 0.0f);
                // Most are silent.
                once &= !fired[w] || fired[w] == (~differing(row + w * BLOCK, left, 1.0f) & lowest(left));
            }
            if (!once) times = row;
        } else {
            std::fill(fired.begin(), fired.end(), 0u);
            for (int64_t e = from.start[place]; e < from.start[place + 1]; ++e)
                fired[from.address[e] / BLOCK] |= 1u << from.address[e] % BLOCK;
        }
        number = set_bits(fired.data(), words);
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
    // Channels, in all and of a group; weights of a channel and filter; filters of a group.
    const int64_t channels, seen, taps, own;
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

}  // namespace
