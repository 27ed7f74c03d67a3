// Normalised currents: sums over all rows of a channel, and the gradient that goes through them.
namespace {

// body(row, channels of it [width]) over current [rows, channels], in parts whose sums are added in order.
template <typename Body>
void channel_sums(int64_t rows, int64_t channels, int64_t threads, double* first, double* second, Body body) {
    const int64_t parts = std::min(SUMS, rows);
    std::vector<double> sums(2 * parts * channels);
    share(parts, threads, [&](int64_t from, int64_t to) {
        // Floats hold a few rows' sums of integers exactly enough; doubles hold those of all rows.
        constexpr int64_t RUN = 16;
        std::vector<float> one(channels), two(channels);
        for (int64_t part = from; part < to; ++part) {
            double *own = sums.data() + 2 * part * channels, *other = own + channels;
            const int64_t last = rows * (part + 1) / parts;
            for (int64_t row = rows * part / parts; row < last; row += RUN) {
                std::fill(one.begin(), one.end(), 0.0f);
                std::fill(two.begin(), two.end(), 0.0f);
                for (int64_t r = row; r < std::min(row + RUN, last); ++r) body(r, one.data(), two.data());
                for (int64_t c = 0; c < channels; ++c) own[c] += one[c], other[c] += two[c];
            }
        }
    });
    std::fill_n(first, channels, 0.0);
    std::fill_n(second, channels, 0.0);
    for (int64_t part = 0; part < parts; ++part)
        for (int64_t c = 0; c < channels; ++c) {
            first[c] += sums[2 * part * channels + c];
            second[c] += sums[(2 * part + 1) * channels + c];
        }
}

}  // namespace

extern "C" {

// Mean and variance [channels] of current [rows, channels].
void norm_moments(const float* current, float* mean, float* variance, int64_t rows, int64_t channels,
                  int64_t threads) {
    std::vector<double> sum(channels), squares(channels);
    channel_sums(rows, channels, threads, sum.data(), squares.data(), [&](int64_t row, float* one, float* two) {
        const float* x = current + row * channels;
        for (int64_t c = 0; c < channels; ++c) one[c] += x[c], two[c] += x[c] * x[c];
    });
    for (int64_t c = 0; c < channels; ++c) {
        const double middle = sum[c] / rows;
        mean[c] = static_cast<float>(middle);
        variance[c] = static_cast<float>(std::max(0.0, squares[c] / rows - middle * middle));
    }
}

// `grad` [rows, channels] of what is normalised, counted in thresholds, becomes that of the current; `sum` and
// `product` [channels]: that of grad and of grad * (current - mean). `variance` has its least one added.
void norm_backward(const float* current, const float* mean, const float* variance, float* grad, float* sum,
                   float* product, int64_t rows, int64_t channels, int64_t threads) {
    std::vector<double> by_sum(channels), by_product(channels);
    channel_sums(rows, channels, threads, by_sum.data(), by_product.data(), [&](int64_t row, float* one, float* two) {
        const float *x = current + row * channels, *g = grad + row * channels;
        for (int64_t c = 0; c < channels; ++c) one[c] += g[c], two[c] += g[c] * (x[c] - mean[c]);
    });
    std::vector<float> shift(channels), slope(channels);
    for (int64_t c = 0; c < channels; ++c) {
        sum[c] = static_cast<float>(by_sum[c]);
        product[c] = static_cast<float>(by_product[c]);
        shift[c] = static_cast<float>(by_sum[c] / rows);
        slope[c] = static_cast<float>(by_product[c] / rows / variance[c]);
    }
    share(rows, threads, [&](int64_t from, int64_t to) {
        for (int64_t row = from; row < to; ++row) {
            const float* x = current + row * channels;
            float* g = grad + row * channels;
            for (int64_t c = 0; c < channels; ++c) g[c] -= shift[c] + (x[c] - mean[c]) * slope[c];
        }
    });
}

}  // extern "C"
