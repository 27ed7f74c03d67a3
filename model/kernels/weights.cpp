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

}  // extern "C"
