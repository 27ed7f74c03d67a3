// What makes a layer's real-valued parameters integers: see quant/quantizers.py and quant/layers/base.py.
namespace {

struct Units {
    float fan_in, limit, sigma, epsilon, least, low, high;  // inputs of a neuron, the rule, the membrane's range
};

}  // namespace

extern "C" {

// Of every neuron: scale, mean and deviation of its weights' magnitudes from the sums of these and of their squares'
// root, the integer bias and threshold in units of the scale, and the slope of the integer bias: 1 / scale, or 0
// where it is clamped. Operation after operation as torch does it, so that results are equal.
void weight_units(const float* sum, const float* root, const float* bias, float* scale, float* mean, float* deviation,
                  float* counted_bias, float* threshold, float* slope, Units units, int64_t neurons) {
    const float n = units.fan_in, less = std::max(1.0f, n - 1), limit = units.limit;
    for (int64_t i = 0; i < neurons; ++i) {
        mean[i] = sum[i] / n;
        const float squares = root[i] * root[i] - n * (mean[i] * mean[i]);
        deviation[i] = std::sqrt(std::max(squares, 0.0f) / less + units.epsilon);
        scale[i] = std::max((mean[i] + units.sigma * deviation[i]) / limit, units.least);
        const float whole = std::nearbyint(bias[i] / scale[i]);
        counted_bias[i] = std::min(std::max(whole, units.low), units.high);
        slope[i] = whole >= units.low && whole <= units.high ? 1 / scale[i] : 0.0f;
        threshold[i] = std::min(std::max(std::nearbyint(1 / scale[i]), 1.0f), units.high);
    }
}

}  // extern "C"
