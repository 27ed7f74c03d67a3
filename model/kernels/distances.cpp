// Earth Mover's Distances of spike trains by their cumulative counts, and their gradient.
namespace {

// Sum of |a - b| over `width` bytes.
uint32_t apart(const uint8_t* a, const uint8_t* b, int64_t width) {
#ifdef __AVX512BW__
    __m512i sum = _mm512_setzero_si512();
    int64_t d = 0;
    for (; d + 64 <= width; d += 64)
        sum = _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_loadu_si512(a + d), _mm512_loadu_si512(b + d)));
    if (d < width) {
        const __mmask64 rest = (1ull << (width - d)) - 1;
        const __m512i x = _mm512_maskz_loadu_epi8(rest, a + d), y = _mm512_maskz_loadu_epi8(rest, b + d);
        sum = _mm512_add_epi64(sum, _mm512_sad_epu8(x, y));
    }
    return _mm512_reduce_add_epi64(sum);
#else
    uint32_t sum = 0;
    for (int64_t d = 0; d < width; ++d) sum += std::abs(a[d] - b[d]);
    return sum;
#endif
}

// Counts [n, width] as [width, n].
std::vector<uint8_t> turned(const uint8_t* counts, int64_t n, int64_t width) {
    constexpr int64_t SQUARE = 64;
    std::vector<uint8_t> out(n * width);
    for (int64_t first = 0; first < n; first += SQUARE)
        for (int64_t d = 0; d < width; ++d)
            for (int64_t i = first; i < std::min(n, first + SQUARE); ++i) out[d * n + i] = counts[i * width + d];
    return out;
}

// Of each lane i of `count` the number that row which[i] has there.
Row<float> chosen(const std::vector<Row<float>>& rows, const uint8_t* which, int64_t count) {
    constexpr int64_t FEW = 16;  // so many rows are sooner compared with than looked up in
    Row<float> out = {};
    if (static_cast<int64_t>(rows.size()) > FEW) {
        for (int64_t i = 0; i < count; ++i) out.value[i] = rows[which[i]].value[i];
        return out;
    }
    Row<int32_t> row = {};
    for (int64_t i = 0; i < count; ++i) row.value[i] = which[i];
    for (int32_t c = 0; c < static_cast<int32_t>(rows.size()); ++c)
        for (int64_t p = 0; p < Row<float>::PARTS; ++p)
            out.part[p] = row.part[p] == c ? rows[c].part[p] : out.part[p];
    return out;
}

}  // namespace

extern "C" {

// L1 distances [m, n] of the rows of a [m, width] and b [n, width]; where a is b, each pair is measured once.
void count_distances(const uint8_t* a, const uint8_t* b, float* distance, int64_t m, int64_t n, int64_t width,
                     int64_t threads) {
    const bool same = a == b;
    const int64_t together = std::max<int64_t>(1, (1 << 14) / width);  // rows of b that stay in the nearest cache
    share(m, threads, [=](int64_t first, int64_t last) {
        for (int64_t from = 0; from < n; from += together)
            for (int64_t i = first; i < last; ++i)
                for (int64_t j = from; j < std::min(same ? i + 1 : n, from + together); ++j)
                    distance[i * n + j] = static_cast<float>(apart(a + i * width, b + j * width, width));
    });
    if (same) below_diagonal(n, [=](int64_t i, int64_t j) { distance[j * n + i] = distance[i * n + j]; });
}

// Cumulative counts [batch, steps, outputs] of spikes [steps, batch, outputs].
void cumulative_counts(const float* spikes, uint8_t* counts, int64_t steps, int64_t batch, int64_t outputs,
                       int64_t threads) {
    share(batch, threads, [=](int64_t first, int64_t last) {
        for (int64_t b = first; b < last; ++b)
            for (int64_t t = 0; t < steps; ++t) {
                uint8_t* to = counts + (b * steps + t) * outputs;
                const float* now = spikes + (t * batch + b) * outputs;
                for (int64_t o = 0; o < outputs; ++o) to[o] = (t ? to[o - outputs] : 0) + (now[o] != 0);
            }
    });
}

// Gradient of the spikes behind counts a [m, steps, outputs], as [steps, m, outputs]: that of a count is the sum over
// j of grad[j, i] * sign(a_i - b_j), for b [n, steps, outputs], and a spike is in all counts from its step on.
//
// At one place only few different counts occur. The sum of grad's rows for each count, and then of all
// counts up to it, gives the sum for every i; the most frequent count's sum is what the others leave.
void count_gradient(const float* grad, const uint8_t* a, const uint8_t* b, float* out, int64_t steps, int64_t m,
                    int64_t n, int64_t outputs, int64_t threads) {
    struct Group {
        int64_t count;
        size_t first, last;  // its examples
    };
    struct Place {
        size_t first, last;  // the groups of all counts but the most frequent one
        int64_t mode, most;
    };
    const int64_t width = steps * outputs, together = std::max<int64_t>(1, BLOCK / steps);
    const std::vector<uint8_t> own = turned(a, m, width), other = a == b ? own : turned(b, n, width);
    share((outputs + together - 1) / together, threads, [=, &own, &other](int64_t begin, int64_t end) {
        std::vector<int32_t> examples;
        std::vector<Group> groups;
        std::vector<Place> places(together * steps);
        std::vector<Row<float>> rows(n), sums, found(together * steps);  // sums: row c + 1 of count c
        for (int64_t from = begin * together; from < std::min(outputs, end * together); from += together) {
            const int64_t last = std::min(outputs, from + together);
            examples.clear();
            groups.clear();
            for (int64_t o = from; o < last; ++o)
                for (int64_t t = 0; t < steps; ++t) {
                    const int64_t d = t * outputs + o;
                    const uint8_t* counts = other.data() + d * n;
                    Place& place = places[(o - from) * steps + t];
                    int32_t often[256] = {0}, next[256], *most_often;
                    place.most = 0;
                    for (int64_t j = 0; j < n; ++j) ++often[counts[j]];
                    for (int64_t c = 0; c <= t + 1 && c < 256; ++c)
                        if (often[c]) place.most = c;
                    most_often = std::max_element(often, often + place.most + 1);
                    place.mode = most_often - often;
                    place.first = groups.size();
                    size_t at = examples.size();
                    for (int64_t c = 0; c <= place.most; ++c) {
                        if (c == place.mode || !often[c]) continue;
                        next[c] = at;
                        groups.push_back({c, at, at + often[c]});
                        at += often[c];
                    }
                    place.last = groups.size();
                    examples.resize(at);
                    for (int64_t j = 0; j < n; ++j)
                        if (const uint8_t c = counts[j]; c != place.mode) examples[next[c]++] = j;
                    const uint8_t most = *std::max_element(own.data() + d * m, own.data() + (d + 1) * m);
                    place.most = std::max<int64_t>(place.most, most);
                }
            for (int64_t start = 0; start < m; start += BLOCK) {  // so much of grad as the nearest cache holds
                const int64_t count = std::min(BLOCK, m - start);
                Row<float> all = {};
                for (int64_t j = 0; j < n; ++j) {
                    load(grad + j * m + start, rows[j].value, count);
                    all += rows[j];
                }
                for (int64_t o = from; o < last; ++o) {
                    Row<float> later = {};
                    for (int64_t t = steps - 1; t >= 0; --t) {
                        const Place& place = places[(o - from) * steps + t];
                        sums.assign(place.most + 2, Row<float>{});
                        Row<float> rest = all;
                        for (size_t g = place.first; g < place.last; ++g) {
                            Row<float> sum = {};
                            for (size_t e = groups[g].first; e < groups[g].last; ++e) sum += rows[examples[e]];
                            sums[groups[g].count + 1] = sum;
                            rest -= sum;
                        }
                        sums[place.mode + 1] = rest;
                        for (int64_t c = 1; c <= place.most; ++c) sums[c + 1] += sums[c];
                        for (int64_t c = 0; c <= place.most; ++c) {  // what row c says to an example of count c
                            sums[c] += sums[c + 1];
                            sums[c] -= all;
                        }
                        later += chosen(sums, own.data() + (t * outputs + o) * m + start, count);
                        found[t * together + o - from] = later;
                    }
                }
                for (int64_t t = 0; t < steps; ++t)
                    for (int64_t i = 0; i < count; ++i)
                        for (int64_t o = from; o < last; ++o)
                            out[(t * m + start + i) * outputs + o] = found[t * together + o - from].value[i];
            }
        }
    });
}

}  // extern "C"
