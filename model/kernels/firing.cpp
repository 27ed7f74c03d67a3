// Networks whose neurons spike once, trained on their firing times, image by image: forward event by event, and errors
// back from layer to layer. A dense layer is a convolution over a single place.
namespace {

// A layer: weights [channels, kernel, own], and their gradients; what integers the weights count as, the thresholds of
// the filters, and what the errors make of the scale of all its currents.
struct Stage {
    Window window;
    const float* weight;
    float* gradient;
    const float *inverse, *threshold;  // one over the scale of the weights, and the threshold, of each filter
    float* scale;
    float limit;        // the largest integer weight
    int64_t sign;       // the integers are signs alone
};

struct Way {
    float gap;   // steps that other outputs are to be behind the first
    float rise;  // steps that a spike's potential takes to rise
};

constexpr float LEAST = 1e-12f;

struct Sums {
    float weighted, signs;
};

// What the errors of some outputs, and the steps of their spikes, make of an input's spike in step `from`: a share of
// each error, by how far its potential had risen when the output spiked.
struct Push {
    // Sums are made in so many parts, whatever the processor: equal sums on every machine.
    static constexpr int64_t PARTS = 16;
    const float *error, *when;
    const float from, per_step;

    // Adds the errors to `to`; their sums over the weights, and over the weights' signs.
    template <typename Count> Sums through(const float* weight, float* to, Count count) const {
        float weighted[PARTS] = {}, signs[PARTS] = {};
        int64_t i = 0;
        for (; i + PARTS <= count; i += PARTS)
            for (int64_t k = 0; k < PARTS; ++k) one(weight, to, i + k, weighted[k], signs[k]);
        for (; i < count; ++i) one(weight, to, i, weighted[0], signs[0]);
        Sums all{};
        for (int64_t k = 0; k < PARTS; ++k) all.weighted += weighted[k], all.signs += signs[k];
        return all;
    }

private:
    void one(const float* weight, float* to, int64_t i, float& weighted, float& signs) const {
        const float e = error[i] * std::min(1.0f, std::max(0.0f, (when[i] - from + 1) * per_step));
        weighted += weight[i] * e;
        signs += weight[i] >= 0 ? e : -e;
        to[i] += e;
    }
};

// One image in one layer.
class Passage {
    const Stage& stage;
    const Window& w;
    const Scatter scatter;
    const int64_t steps;
    std::vector<float> potential;
    std::vector<int64_t> events, start;

    // The inputs that spike, step after step.
    void list(const std::vector<float>& before) {
        start.assign(steps + 2, 0);
        for (float step : before) ++start[int64_t(step) + 1];
        for (int64_t t = 0; t < steps; ++t) start[t + 1] += start[t];
        events.resize(start[steps]);
        std::vector<int64_t> next(start.begin(), start.end() - 1);
        for (size_t a = 0; a < before.size(); ++a)
            if (before[a] < steps) events[next[int64_t(before[a])]++] = a;
    }

public:
    std::vector<float> when, error;  // of the outputs

    Passage(const Stage& of, int64_t steps)
        : stage(of), w(of.window), scatter(of.window), steps(steps), potential(w.neurons()), when(w.neurons()),
          error(w.neurons()) {}

    // Steps of the outputs for those of the inputs.
    void forward(const std::vector<float>& before) {
        list(before);
        std::fill(potential.begin(), potential.end(), 0.0f);
        std::fill(when.begin(), when.end(), float(steps));
        with_filters(w.own(), [&](auto own) { stage.sign ? run<true>(own) : run<false>(own); });
    }

    // Scales the errors to a mean square of 1; false if there are none.
    bool normalise() {
        float squares = 0;
        for (float e : error) squares += e * e;
        if (squares < LEAST) return false;
        const float by = std::sqrt(error.size() / squares);
        for (float& e : error) e *= by;
        return true;
    }

    // Adds what the errors make of the weights' gradients, and gives the errors of the inputs.
    void backward(const std::vector<float>& before, std::vector<float>& errors, float rise) {
        std::fill(errors.begin(), errors.end(), 0.0f);
        float signs = 0;
        with_filters(w.own(), [&](auto own) {
            for (int64_t a : events)
                scatter.each(a, [&](int64_t at, int64_t out) {
                    const Push push{error.data() + out, when.data() + out, before[a], 1 / rise};
                    const Sums found = push.through(stage.weight + at, stage.gradient + at, own);
                    errors[a] += found.weighted;
                    signs += found.signs;
                });
        });
        *stage.scale += signs / (w.neurons() * w.channels * w.taps());
    }

private:
    template <bool SIGN, typename Count> void run(Count own) {
        const int64_t places = w.rows * w.columns;
        for (int64_t t = 0; t < steps; ++t) {
            if (start[t] == start[t + 1]) continue;
            for (int64_t e = start[t]; e < start[t + 1]; ++e)
                scatter.each(events[e], [&](int64_t at, int64_t out) {
                    const float *row = stage.weight + at, *inverse = stage.inverse + out % w.filters;
                    float* to = potential.data() + out;
                    for (int64_t i = 0; i < own; ++i)
                        to[i] += SIGN ? (row[i] >= 0 ? 1.0f : -1.0f)
                                      : std::min(stage.limit, std::max(-stage.limit, std::nearbyint(row[i] * inverse[i])));
                });
            for (int64_t p = 0; p < places; ++p) {
                const float* u = potential.data() + p * w.filters;
                float* fires = when.data() + p * w.filters;
                for (int64_t f = 0; f < w.filters; ++f)
                    fires[f] = u[f] >= stage.threshold[f] && fires[f] == steps ? t : fires[f];
            }
        }
    }
};

}  // namespace

extern "C" {

// Steps [batch, inputs] of the inputs' spikes, `steps` where they are silent, and labels [batch]. Adds to the gradients
// those of all images, and to `figures` [depth + 1] how many neurons of each layer spike, and half the square of the
// outputs' errors.
void firing(Stage* stages, int64_t depth, const uint8_t* given, const int64_t* labels, double* figures, Way way,
            int64_t steps, int64_t batch) {
    const int64_t inputs = stages[0].window.inputs();
    std::vector<Passage> layers;
    for (int64_t l = 0; l < depth; ++l) layers.emplace_back(stages[l], steps);
    std::vector<float> first(inputs), nowhere(inputs);
    for (int64_t b = 0; b < batch; ++b) {
        std::copy_n(given + b * inputs, inputs, first.data());
        for (int64_t l = 0; l < depth; ++l) {
            layers[l].forward(l ? layers[l - 1].when : first);
            for (float t : layers[l].when) figures[l] += t < steps;
        }
        std::vector<float>&when = layers[depth - 1].when, &error = layers[depth - 1].error;
        const float earliest = *std::min_element(when.begin(), when.end()), last = steps;
        for (int64_t n = 0; n < int64_t(when.size()); ++n) {
            const float own = earliest == last ? last - way.gap : earliest;
            const float other = std::max(when[n], std::min(last, earliest + way.gap));
            error[n] = ((n == labels[b] ? own : other) - when[n]) / last;
            figures[depth] += error[n] * error[n] / 2;
        }
        for (int64_t l = depth - 1; l >= 0 && layers[l].normalise(); --l)
            layers[l].backward(l ? layers[l - 1].when : first, l ? layers[l - 1].error : nowhere, way.rise);
    }
}

}  // extern "C"
