// The supervised contrastive loss of a batch's distances, and its gradient: see model/loss/losses.py.
namespace {

// exp(x) of numbers from -87 to 0, in place, within 3 units in the last place: 2^k exp(f), |f| <= ln(2) / 2, by the
// series of exp to the seventh power.
void exponentials(float* x, int64_t count) {
    constexpr int64_t AT_ONCE = 64;
    for (int64_t from = 0; from < count; from += AT_ONCE) {
        const int64_t last = std::min(AT_ONCE, count - from);
        float series[AT_ONCE], scale[AT_ONCE];
        int32_t bits[AT_ONCE];
        for (int64_t i = 0; i < last; ++i) {
            const float k = std::nearbyint(x[from + i] * 1.44269504f);
            const float f = (x[from + i] - k * 0.693359375f) + k * 2.12194440e-4f;
            float sum = 1.0f / 5040;
            sum = sum * f + 1.0f / 720;
            sum = sum * f + 1.0f / 120;
            sum = sum * f + 1.0f / 24;
            sum = sum * f + 1.0f / 6;
            sum = sum * f + 0.5f;
            series[i] = (sum * f + 1) * f + 1;
            bits[i] = (static_cast<int32_t>(k) + 127) << 23;
        }
        std::memcpy(scale, bits, sizeof(scale));
        for (int64_t i = 0; i < last; ++i) x[from + i] = series[i] * scale[i];
    }
}

}  // namespace

extern "C" {

// Of distances [n, n] and labels [n]: the softmax of -distance / temperature over the others [n, n], and each
// example's loss and how many others have its label [n]; the loss is 0 without any.
void contrast_forward(const float* distance, const int64_t* label, float* softmax, float* loss, float* positives,
                      float per_temperature, int64_t n, int64_t threads) {
    const auto one = [=](int64_t i) {
        const float* d = distance + i * n;
        float* p = softmax + i * n;
        float nearest = INFINITY, same = -1, pull = -d[i], sum = 0, parts[16] = {0};
        for (int64_t j = 0; j < n; ++j) {
            const float equal = label[j] == label[i] ? 1.0f : 0.0f;
            same += equal;
            pull += equal * d[j];
        }
        for (int64_t j = 0; j < n; ++j)
            if (j != i) nearest = std::min(nearest, d[j]);
        for (int64_t j = 0; j < n; ++j) p[j] = std::min(0.0f, std::max(-87.0f, (nearest - d[j]) * per_temperature));
        exponentials(p, n);
        p[i] = 0;
        for (int64_t j = 0; j < n / 16 * 16; j += 16)
            for (int64_t k = 0; k < 16; ++k) parts[k] += p[j + k];
        for (int64_t j = n / 16 * 16; j < n; ++j) sum += p[j];
        for (float part : parts) sum += part;
        for (int64_t j = 0; j < n; ++j) p[j] /= sum;
        positives[i] = same;
        // -log softmax is distance / temperature + log(sum of exponentials): that of the nearest is taken out above.
        loss[i] = same > 0 ? (pull / same - nearest) * per_temperature + std::log(sum) : 0.0f;
    };
    share(n, threads, [=](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) one(i);
    });
}

// The gradient of distances [n, n] for that of the mean loss of the `counted` examples, times 1 / temperature; that of
// i to j and of j to i, which are one distance, added up.
void contrast_backward(const float* softmax, const int64_t* label, const float* positives, float* grad, float factor,
                       int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        const float *p = softmax + i * n, own = positives[i] > 0 ? factor : 0.0f;
        const float share = own / std::max(1.0f, positives[i]);
        float* g = grad + i * n;
        for (int64_t j = 0; j < n; ++j) g[j] = (label[j] == label[i] ? share : 0.0f) - p[j] * own;
        g[i] = 0;
    }
    below_diagonal(n, [=](int64_t i, int64_t j) {
        float &one = grad[i * n + j], &other = grad[j * n + i];
        one = other = one + other;
    });
}

}  // extern "C"
