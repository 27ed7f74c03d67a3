// Spikes as lists of events and as bits.
namespace {

// Places are step * batch + image; place p has the addresses from start[p] to start[p + 1], or of the bits that are set
// in its words.
struct Events {
    const int64_t *address, *start;
    const uint32_t* bits;
    int64_t words;

    template <typename Each> void each(int64_t place, Each with) const {
        if (bits) {
            for (int64_t w = 0; w < words; ++w)
                for (uint32_t fired = bits[place * words + w]; fired; fired &= fired - 1)
                    with(w * BLOCK + __builtin_ctz(fired));
        } else {
            for (int64_t e = start[place]; e < start[place + 1]; ++e) with(address[e]);
        }
    }
};

// 1 for each of the first `width` bits that is set, 0 for the others.
void spread(uint32_t bits, int64_t width, float* to) {
#ifdef __AVX512F__
    if (width == BLOCK) {
        const __m512 one = _mm512_set1_ps(1.0f);
        _mm512_storeu_ps(to, _mm512_maskz_mov_ps(bits & 0xffff, one));
        _mm512_storeu_ps(to + 16, _mm512_maskz_mov_ps(bits >> 16, one));
        return;
    }
#endif
    for (int64_t i = 0; i < width; ++i) to[i] = bits >> i & 1 ? 1.0f : 0.0f;
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

// Spikes [places, width] as bits, a word for each BLOCK of them: [places, words].
void spike_bits(const float* spikes, uint32_t* bits, int64_t places, int64_t width) {
    for (int64_t p = 0; p < places; ++p)
        for (int64_t from = 0; from < width; from += BLOCK)
            *bits++ = differing(spikes + p * width + from, width - from, 0.0f);
}

// The other way round.
void write_spikes(const uint32_t* bits, float* spikes, int64_t places, int64_t width, int64_t threads) {
    const int64_t words = (width + BLOCK - 1) / BLOCK;
    share(places, threads, [=](int64_t first, int64_t last) {
        for (int64_t p = first; p < last; ++p)
            for (int64_t w = 0; w < words; ++w)
                spread(bits[p * words + w], std::min(BLOCK, width - w * BLOCK), spikes + p * width + w * BLOCK);
    });
}

// How many bits of so many words are set.
int64_t set_bits(const uint32_t* bits, int64_t words) {
    int64_t count = 0;
    for (int64_t w = 0; w < words; ++w) count += __builtin_popcount(bits[w]);
    return count;
}

// Bits [places, words]: where each place begins [places + 1], then which addresses are in it.
void bit_counts(const uint32_t* bits, int64_t* start, int64_t places, int64_t words) {
    start[0] = 0;
    for (int64_t p = 0; p < places; ++p) {
        start[p + 1] = start[p] + set_bits(bits + p * words, words);
    }
}

void bit_addresses(const uint32_t* bits, int64_t* address, int64_t places, int64_t words) {
    for (int64_t p = 0; p < places; ++p)
        for (int64_t w = 0; w < words; ++w)
            // Without a branch a spike: they come at random.
            for (uint32_t fired = *bits++; fired; fired &= fired - 1) *address++ = w * BLOCK + __builtin_ctz(fired);
}

}  // extern "C"
