// The gradient of a convolution's inputs.
namespace {

// The gradient [inputs] of an image's inputs in each step, from that of its currents [steps, rows, columns, filters].
// Weight [groups, own, taps, channels / groups]: an output's gradient times it, added where its taps look. Some
// places are worked on together, so that a weight that is read serves all of them.
class Gather {
    typedef float Vector __attribute__((vector_size(WIDEST)));
    struct Part {
        Vector value;  // as an array's entry this begins where a line of the cache does
    };
    // An output: where its kernel begins in the map, and the gradients of that step's inputs.
    struct Place {
        float* to;
        int64_t y, x;
    };
    static constexpr int64_t LANES = WIDEST / sizeof(float), TOGETHER = 4;
    const Window w;
    const int64_t length, vectors;
    std::vector<Part> weight, products;
    std::vector<float> rest;

    // `PARTS` vectors of the products [TOGETHER, vectors] of the gradients of a group's outputs at as many places.
    template <int PARTS>
    FUSED static void multiply(const float* grad, int64_t stride, int64_t own, const Part* rows, int64_t vectors,
                               Part* to) {
        FUSE
        Vector sums[TOGETHER][PARTS] = {};
        for (int64_t j = 0; j < own; ++j) {
            Vector row[PARTS];
#pragma GCC unroll 3
            for (int64_t k = 0; k < PARTS; ++k) row[k] = rows[j * vectors + k].value;
#pragma GCC unroll 4
            for (int64_t p = 0; p < TOGETHER; ++p)
#pragma GCC unroll 3
                for (int64_t k = 0; k < PARTS; ++k) sums[p][k] += row[k] * grad[p * stride + j];
        }
#pragma GCC unroll 4
        for (int64_t p = 0; p < TOGETHER; ++p)
#pragma GCC unroll 3
            for (int64_t k = 0; k < PARTS; ++k) to[p * vectors + k].value = sums[p][k];
    }

public:
    Gather(const Window& window, const float* weights)
        : w(window), length(w.taps() * w.channels / w.groups), vectors((length + LANES - 1) / LANES),
          weight(w.filters * vectors), products(TOGETHER * vectors), rest(TOGETHER * w.filters) {
        for (int64_t f = 0; f < w.filters; ++f)
            std::memcpy(weight.data() + f * vectors, weights + f * length, length * sizeof(float));
    }

    // The gradients of a step lie `apart` from those of the one before.
    void operator()(const float* grad, int64_t steps, float* to, int64_t apart) {
        for (int64_t t = 0; t < steps; ++t) std::fill_n(to + t * apart, w.inputs(), 0.0f);
        const int64_t places = w.rows * w.columns, all = steps * places;
        Place at{to, -w.padding[0], -w.padding[1]};
        for (int64_t first = 0; first < all; first += TOGETHER) {
            const int64_t count = std::min(TOGETHER, all - first);
            const float* own = grad + first * w.filters;
            if (count < TOGETHER) own = std::copy_n(own, count * w.filters, rest.data()) - count * w.filters;
            Place next = at;
            for (int64_t group = 0; group < w.groups; ++group) {
                const int64_t filter = group * w.own();
                multiplied(own + filter, weight.data() + filter * vectors);
                next = at;
                for (int64_t p = 0; p < count; ++p) {
                    add(next, group, reinterpret_cast<const float*>(products.data() + p * vectors));
                    advance(next, apart);
                }
            }
            at = next;
        }
    }

private:
    void multiplied(const float* grad, const Part* rows) {
        int64_t k = 0;
        for (; k + 3 <= vectors; k += 3) multiply<3>(grad, w.filters, w.own(), rows + k, vectors, products.data() + k);
        for (; k < vectors; ++k) multiply<1>(grad, w.filters, w.own(), rows + k, vectors, products.data() + k);
    }

    // To the next output, in the next row or step where one is done: no division tells where it is.
    void advance(Place& at, int64_t apart) const {
        if ((at.x += w.stride[1]) <= (w.columns - 1) * w.stride[1] - w.padding[1]) return;
        at.x = -w.padding[1];
        if ((at.y += w.stride[0]) <= (w.rows - 1) * w.stride[0] - w.padding[0]) return;
        at.y = -w.padding[0];
        at.to += apart;
    }

    void add(const Place& at, int64_t group, const float* found) const {
        const int64_t seen = w.channels / w.groups, together = w.together();
        for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
            const int64_t y = at.y + ky * w.dilation[0];
            if (y < 0 || y >= w.height) continue;
            for (int64_t kx = 0; kx < w.kernel[1]; kx += together) {
                const int64_t from = at.x + kx * w.dilation[1];
                const int64_t x = std::max<int64_t>(from, 0), count = (std::min(from + together, w.width) - x) * seen;
                float* to = at.to + (y * w.width + x) * w.channels + group * seen;
                const float* own = found + (ky * w.kernel[1] + kx + x - from) * seen;
                for (int64_t i = 0; i < count; ++i) to[i] += own[i];
            }
        }
    }
};

}  // namespace
