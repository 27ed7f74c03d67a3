// Earth Mover's Distances of spike trains by their cumulative counts, and their gradient.
extern "C" {

// L1 distances [m, n] of the rows of a [m, width] and b [n, width]; where a is b, each pair is measured once.
void count_distances(const uint8_t* a, const uint8_t* b, float* distance, int64_t m, int64_t n, int64_t width,
                     int64_t threads) {
    const bool same = a == b;
    share(m, threads, [=](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i)
            for (int64_t j = 0; j < (same ? i + 1 : n); ++j) {
                uint32_t sum = 0;
                for (int64_t d = 0; d < width; ++d) sum += std::abs(a[i * width + d] - b[j * width + d]);
                distance[i * n + j] = static_cast<float>(sum);
            }
    });
    if (same)
        for (int64_t i = 0; i < m; ++i)
            for (int64_t j = 0; j < i; ++j) distance[j * n + i] = distance[i * n + j];
}

// Cumulative counts [batch, steps, outputs] of spikes [steps, batch, outputs].
void cumulative_counts(const float* spikes, uint8_t* counts, int64_t steps, int64_t batch, int64_t outputs) {
    for (int64_t b = 0; b < batch; ++b)
        for (int64_t t = 0; t < steps; ++t) {
            uint8_t* to = counts + (b * steps + t) * outputs;
            const float* now = spikes + (t * batch + b) * outputs;
            for (int64_t o = 0; o < outputs; ++o) to[o] = (t ? to[o - outputs] : 0) + (now[o] != 0);
        }
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
    share((outputs + together - 1) / together, threads, [=](int64_t begin, int64_t end) {
        std::vector<int32_t> examples;
        std::vector<Group> groups;
        std::vector<Place> places(together * steps);
        std::vector<Row<float>> rows(n), sums;  // sums: row c + 1 of count c
        for (int64_t from = begin * together; from < std::min(outputs, end * together); from += together) {
            const int64_t last = std::min(outputs, from + together);
            examples.clear();
            groups.clear();
            for (int64_t o = from; o < last; ++o)
                for (int64_t t = 0; t < steps; ++t) {
                    const int64_t d = t * outputs + o;
                    Place& place = places[(o - from) * steps + t];
                    int32_t often[256] = {0}, next[256], *most_often;
                    place.most = 0;
                    for (int64_t j = 0; j < n; ++j) ++often[b[j * width + d]];
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
                        if (const uint8_t c = b[j * width + d]; c != place.mode) examples[next[c]++] = j;
                    for (int64_t i = 0; i < m; ++i) place.most = std::max<int64_t>(place.most, a[i * width + d]);
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
                        for (int64_t i = 0; i < count; ++i) {
                            const int64_t own = a[((start + i) * steps + t) * outputs + o];
                            later.value[i] += sums[own].value[i] + sums[own + 1].value[i] - all.value[i];
                            out[(t * m + start + i) * outputs + o] = later.value[i];
                        }
                    }
                }
            }
        }
    });
}

}  // extern "C"
