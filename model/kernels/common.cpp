// What the kernels share. model/kernels/native.py compiles all files of this folder as one, this one first, and calls
// them; the torch code beside each call does the same, and serves where these cannot.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <vector>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

// A function whose products are added in one instruction each, which the rest of the kernels must not do.
#ifdef __clang__
#define FUSED __attribute__((noinline))
#define FUSE _Pragma("clang fp contract(fast)")
#else
#define FUSED __attribute__((noinline, optimize("fp-contract=fast")))
#define FUSE
#endif

namespace {

// Neurons worked on at once: their weights of some hundred inputs stay in the cache.
constexpr int64_t BLOCK = 32;
// Bytes of a vector register.
#ifdef __AVX512F__
#define WIDEST 64
#else
#define WIDEST 32
#endif
// A block's values, added as whole vectors: a compiler may not see it in a loop over numbers.
template <typename Number> struct alignas(64) Row {
    typedef Number Vector __attribute__((vector_size(32)));
    static constexpr int64_t PARTS = BLOCK * sizeof(Number) / 32;
    union {
        Number value[BLOCK];
        Vector part[PARTS];
    };
    void operator+=(const Row& other) {
        for (int64_t i = 0; i < PARTS; ++i) part[i] += other.part[i];
    }
    void operator-=(const Row& other) {
        for (int64_t i = 0; i < PARTS; ++i) part[i] -= other.part[i];
    }
};

// Floats, 0 at first, that begin where a line of the cache does: a vector that crosses lines takes twice as long.
class Floats {
    struct alignas(64) Line {
        float value[16];
    };
    std::vector<Line> lines;

public:
    explicit Floats(int64_t count) : lines((count + 15) / 16) {}
    float* data() { return lines.empty() ? nullptr : lines[0].value; }
    void fill(float x) { std::fill_n(data(), lines.size() * 16, x); }
};

// body(first, last) over 0..count, shared by `threads` threads: torch's own, who wait for work spinning.
template <typename Body> void share(int64_t count, int64_t threads, Body body) {
    threads = std::max<int64_t>(1, std::min(threads, count));
#pragma omp parallel for num_threads(threads) schedule(static, 1) if (threads > 1)
    for (int64_t i = 0; i < threads; ++i) body(count * i / threads, count * (i + 1) / threads);
}

// Sums are made in so many parts, whatever the number of threads: equal sums on every machine.
constexpr int64_t SUMS = 16;

struct Neuron {
    float leak, low, high, carry;  // leak 0: none; carry: the share of a membrane that the next step keeps
    int32_t to_zero, single;
};

template <typename Then> void choose(bool is, Then then) { is ? then(std::true_type()) : then(std::false_type()); }

// each(i, j) for all j < i < n, a square of the matrix after the other: a line of either half stays in the cache.
template <typename Each> void below_diagonal(int64_t n, Each each) {
    constexpr int64_t SQUARE = 32;
    for (int64_t from = 0; from < n; from += SQUARE)
        for (int64_t i = from; i < n; ++i)
            for (int64_t j = from; j < std::min(i, from + SQUARE); ++j) each(i, j);
}

void load(const float* from, float* to, int64_t width) {
    if (width == BLOCK) {
        std::memcpy(to, from, BLOCK * sizeof(float));
    } else {
        std::fill_n(to, BLOCK, 0.0f);
        std::copy_n(from, width, to);
    }
}

// The lowest `count` bits of a word of BLOCK.
inline uint32_t lowest(int64_t count) { return count >= BLOCK ? ~0u : (1u << count) - 1; }

// Which of the next values, BLOCK at most, are not `value`.
inline uint32_t differing(const float* x, int64_t width, float value) {
#ifdef __AVX512F__
    if (width >= BLOCK) {
        const __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16), all = _mm512_set1_ps(value);
        return _mm512_cmp_ps_mask(low, all, _CMP_NEQ_UQ) | uint32_t(_mm512_cmp_ps_mask(high, all, _CMP_NEQ_UQ)) << 16;
    }
#endif
    uint32_t found = 0;
    for (int64_t i = 0; i < std::min(width, BLOCK); ++i) found |= uint32_t(x[i] != value) << i;
    return found;
}

}  // namespace
