// What makes a layer's real-valued parameters integers: see quant/quantizers.py and quant/layers/base.py.
namespace {

struct Units {
    double limit, sigma, epsilon, least;  // the rule: see quant/quantizers.py
    float low, high;                      // the membrane's range
};

// Sums of a row's magnitudes and squares, in double precision: in whatever order, the same float comes of them.
void measure(const float* row, int64_t inputs, double& sum, double& squares) {
    constexpr int64_t LANES = 8, CHAINS = 4;
    typedef float Floats __attribute__((vector_size(LANES * sizeof(float))));
    typedef double Doubles __attribute__((vector_size(LANES * sizeof(double))));
    Doubles magnitudes[CHAINS] = {}, powers[CHAINS] = {};
    const int64_t whole = inputs / (LANES * CHAINS) * (LANES * CHAINS);
    for (int64_t a = 0; a < whole; a += LANES * CHAINS)
        for (int64_t k = 0; k < CHAINS; ++k) {
            Floats w;
            std::memcpy(&w, row + a + k * LANES, sizeof(w));
            const Doubles wide = __builtin_convertvector(w < 0 ? -w : w, Doubles);
            magnitudes[k] += wide;
            powers[k] += wide * wide;
        }
    sum = squares = 0;
    for (int64_t a = whole; a < inputs; ++a) {
        const double w = row[a];
        sum += std::abs(w);
        squares += w * w;
    }
    for (int64_t k = 0; k < CHAINS; ++k)
        for (int64_t i = 0; i < LANES; ++i) {
            sum += magnitudes[k][i];
            squares += powers[k][i];
        }
}

// How real-valued weights [neurons, inputs] become integers: see quant/quantizers.py.
struct Quantiser {
    const float *weight, *scale, *mean, *deviation;  // the last three of each neuron
    float limit, sigma;
    int32_t sign;

    // Those of one neuron's inputs from `first` on, `count` of them.
    void integers(int64_t neuron, int64_t inputs, int64_t first, int64_t count, float* to) const {
        const float *w = weight + neuron * inputs + first, by = scale[neuron], most = limit;
        if (sign)
            for (int64_t a = 0; a < count; ++a) to[a] = w[a] >= 0 ? 1.0f : -1.0f;
        else
            for (int64_t a = 0; a < count; ++a)
                to[a] = std::min(std::max(std::nearbyint(w[a] / by), -most), most);
    }
};

// Inputs whose weights are transposed together: a square of BLOCK neurons that the nearest cache holds.
constexpr int64_t TILE = 32;

// Integer weights of `width` neurons from `from` on, an input after the other.
template <typename Number>
void transposed(const Quantiser& weight, int64_t from, int64_t width, int64_t inputs, Row<Number>* rows) {
    float tile[BLOCK][TILE] = {{0}};
    for (int64_t first = 0; first < inputs; first += TILE) {
        const int64_t count = std::min(TILE, inputs - first);
        for (int64_t i = 0; i < width; ++i) weight.integers(from + i, inputs, first, count, tile[i]);
        for (int64_t k = 0; k < count; ++k)
            for (int64_t i = 0; i < BLOCK; ++i) rows[first + k].value[i] = tile[i][k];
    }
}

// The other way: sums of `width` neurons, an input after the other, as rows of `inputs`.
void transposed(const Row<float>* sums, int64_t width, int64_t inputs, float* to) {
    for (int64_t first = 0; first < inputs; first += TILE) {
        const int64_t count = std::min(TILE, inputs - first);
        float tile[BLOCK][TILE];
        for (int64_t k = 0; k < count; ++k)
            for (int64_t i = 0; i < BLOCK; ++i) tile[i][k] = sums[first + k].value[i];
        for (int64_t i = 0; i < width; ++i) std::copy_n(tile[i], count, to + i * inputs + first);
    }
}

// The gradient of a neuron's real-valued weights, in place of that of its integer ones: the gradient of
// quant/quantizers.py, where the scale comes from the weights as well. `integers`: room for them.
void straight_through(const Quantiser& weight, int64_t neuron, int64_t inputs, float* integers, float* grad) {
    weight.integers(neuron, inputs, 0, inputs, integers);
    const float scale = weight.scale[neuron], *w = weight.weight + neuron * inputs;
    const float direct = weight.sign ? 1.0f : 1.0f / scale, shrink = weight.sign ? 0.0f : direct;
    float parts[32] = {0}, by_scale = 0;
    for (int64_t a = 0; a < inputs / 32 * 32; a += 32)
        for (int64_t k = 0; k < 32; ++k) parts[k] += grad[a + k] * (integers[a + k] - w[a + k] * shrink);
    for (int64_t a = inputs / 32 * 32; a < inputs; ++a) by_scale += grad[a] * (integers[a] - w[a] * shrink);
    for (float part : parts) by_scale += part;
    by_scale /= scale * weight.limit;
    const float spread = by_scale * weight.sigma / (std::max<int64_t>(1, inputs - 1) * weight.deviation[neuron]);
    const float toward = by_scale / inputs - spread * weight.mean[neuron];
    for (int64_t a = 0; a < inputs; ++a)
        grad[a] = grad[a] * direct + w[a] * spread + (w[a] > 0 ? toward : 0.0f) - (w[a] < 0 ? toward : 0.0f);
}

}  // namespace

extern "C" {

// Of weights [neurons, inputs]: scale, mean and deviation of each neuron's magnitudes, the integer bias and threshold
// in units of the scale, and the slope of the integer bias: 1 / scale, or 0 where it is clamped.
void weight_units(const float* weight, const float* bias, float* scale, float* mean, float* deviation,
                  float* counted_bias, float* threshold, float* slope, Units units, int64_t neurons, int64_t inputs,
                  int64_t threads) {
    const auto one = [=](int64_t i) {
        double sum, squares;
        measure(weight + i * inputs, inputs, sum, squares);
        const double middle = sum / inputs, spread = squares - inputs * (middle * middle);
        const double wide = std::sqrt(std::max(spread, 0.0) / std::max<int64_t>(1, inputs - 1) + units.epsilon);
        mean[i] = static_cast<float>(middle);
        deviation[i] = static_cast<float>(wide);
        scale[i] = static_cast<float>(std::max((middle + units.sigma * wide) / units.limit, units.least));
        const float whole = std::nearbyint(bias[i] / scale[i]);
        counted_bias[i] = std::min(std::max(whole, units.low), units.high);
        slope[i] = whole >= units.low && whole <= units.high ? 1 / scale[i] : 0.0f;
        threshold[i] = std::min(std::max(std::nearbyint(1 / scale[i]), 1.0f), units.high);
    };
    share(neurons, threads, [=](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) one(i);
    });
}

// Integer weights [neurons, inputs] of real-valued ones.
void integer_weights(Quantiser weight, float* to, int64_t neurons, int64_t inputs) {
    for (int64_t i = 0; i < neurons; ++i) weight.integers(i, inputs, 0, inputs, to + i * inputs);
}

// The gradient of real-valued weights [neurons, inputs] in place of that of the integer ones.
void real_gradients(Quantiser weight, float* grad, int64_t neurons, int64_t inputs) {
    std::vector<float> integers(inputs);
    for (int64_t i = 0; i < neurons; ++i) straight_through(weight, i, inputs, integers.data(), grad + i * inputs);
}

}  // extern "C"
