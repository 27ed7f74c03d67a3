"""From real-valued layers to integers, after training: leak, scales, thresholds and state width.

Chosen on calibration spikes, so that the integer layer spikes where the real one does. What the file
states exactly (integer weights, a leak of 2^-k) is taken over exactly.
"""

import dataclasses

import numpy as np

from ..numerics import lif
from ..numerics.errors import TwinspikeError
from .floating import FloatLayer
from .layer import INT32, Layer
from .spec import NeuronSpec

MAX_SHIFT = 12
# Largest weight that is not clipped, as a share of a neuron's largest one.
CLIPS = np.linspace(0.3, 1.0, 29)
# Thresholds tried around the real one, to make up for another leak, and for rounding.
STRETCHES = np.linspace(0.8, 1.25, 19)
NUDGES = range(-4, 5)
MAX_STATE_BITS = 32


def leak_factor(shift: int) -> float:
    """What is left of a membrane after a step: 1 - 2^-k, and 1 for k = 0, no leak."""
    return 1.0 - 2.0**-shift if shift else 1.0


def nearest_shift(decay: float) -> int:
    """The leak shift whose factor is nearest to `decay`."""
    return min(range(MAX_SHIFT + 1), key=lambda k: (abs(leak_factor(k) - decay), k))


def fit_leak(layer: FloatLayer, spikes: np.ndarray) -> tuple[FloatLayer, int]:
    """The layer with a power-of-two leak, and its shift: the nearest decay's, or the better neighbour's.

    Another leak changes how high membranes climb; a factor on each neuron's threshold makes up for
    part of it. Both are chosen by how many output spikes differ on `spikes` bool [T, B, in].
    """
    nearest = nearest_shift(float(np.mean(layer.decay)))
    if np.allclose(layer.decay, leak_factor(nearest), rtol=0, atol=1e-6):
        return dataclasses.replace(layer, decay=np.full(layer.neurons, leak_factor(nearest))), nearest
    currents = layer.currents(spikes)
    target = layer.fire(currents)
    tried = []
    for shift in sorted({max(1, nearest - 1), max(1, nearest), nearest + 1}):
        leaky = dataclasses.replace(layer, decay=np.full(layer.neurons, leak_factor(shift)))
        found, wrong = _fit_thresholds(leaky, currents, target)
        tried.append((wrong, abs(shift - nearest), shift, found))
    _, _, shift, found = min(tried, key=lambda one: one[:3])
    return found, shift


def _fit_thresholds(layer: FloatLayer, currents: np.ndarray, target: np.ndarray) -> tuple[FloatLayer, int]:
    """Each neuron's threshold times what gives most of its spikes, and how many differ still."""
    best = np.full(layer.neurons, np.inf)
    chosen = layer.threshold.copy()
    for stretch in sorted(STRETCHES, key=lambda x: abs(x - 1)):
        threshold = layer.threshold * stretch
        wrong = (dataclasses.replace(layer, threshold=threshold).fire(currents) != target).sum(axis=(0, 1))
        better = wrong < best
        best[better], chosen[better] = wrong[better], threshold[better]
    return dataclasses.replace(layer, threshold=chosen), int(best.sum())


def hardware_reset(layer: FloatLayer) -> FloatLayer:
    """The layer with a reset that the core has: in the step of the spike."""
    return dataclasses.replace(layer, reset="subtract" if layer.reset.startswith("subtract") else "zero")


@dataclasses.dataclass(frozen=True, eq=False)
class Rounded:
    """An integer layer; weight = scale [out] of its neuron * integer; `exact` if nothing was rounded.

    `threshold` [out] is the real one in that scale, before it moved to make up for rounding.
    """

    layer: Layer
    scale: np.ndarray
    threshold: np.ndarray
    exact: bool

    def run(self, spikes: np.ndarray) -> np.ndarray:
        """Input spikes bool [T, B, in] -> output spikes bool [T, B, out], as the golden model has them."""
        return membranes(self.layer, spikes, self.layer.threshold.astype(np.int64))[0]


def real_layer(rounded: Rounded, like: FloatLayer) -> FloatLayer:
    """The integer layer's values in real numbers again, stepped without floors and clamps."""
    layer = rounded.layer
    return dataclasses.replace(
        like, weight=layer.weight.astype(np.float64), bias=layer.bias.astype(np.float64),
        threshold=rounded.threshold.astype(np.float64), strict=False,
    )  # fmt: skip


def exact_layer(layer: FloatLayer, spec: NeuronSpec) -> Layer | None:
    """The layer as it stands, if its weights, biases and leak are integers of the kind that `spec` has."""
    whole = all(np.array_equal(x, np.round(x)) for x in (layer.weight, layer.bias))
    fits = whole and np.abs(layer.weight).max() <= spec.weight_limit and np.abs(layer.bias).max() <= INT32.max
    binary = spec.weight_bits > 1 or bool((layer.weight != 0).all())
    leak = np.allclose(layer.decay, leak_factor(spec.leak_shift), rtol=0, atol=1e-12)
    if not (fits and binary and leak) or layer.reset != spec.reset:
        return None
    return _layer(layer, spec, layer.weight, layer.bias, integer_threshold(layer, 1.0))


def integer_threshold(layer: FloatLayer, scale: np.ndarray | float) -> np.ndarray:
    """Least integer that spikes: floor(threshold / scale) + 1, or the ceiling where >= is meant."""
    real = layer.threshold / scale
    return np.clip(np.floor(real) + 1 if layer.strict else np.ceil(real), 1, INT32.max)


def round_layer(
    layer: FloatLayer, shift: int, spikes: np.ndarray, target: np.ndarray, weight_bits: int
) -> Rounded:
    """Integers for a layer whose leak and reset are the core's already.

    spikes bool [T, B, in] what the layer gets from the integer layer before it; target bool
    [T, B, out] the spikes that it should give. Each neuron has a scale of its own, chosen by the
    mean squared error of its current; then its threshold moves by up to 4 where that gives more of
    the target's spikes. The state is as wide as the calibration needs, with a quarter to spare.
    Raises TwinspikeError if thresholds or biases need more than 32 bits.
    """
    wide = NeuronSpec(weight_bits, shift, layer.reset, False, MAX_STATE_BITS)
    exact = exact_layer(layer, wide)
    if exact is not None:
        return Rounded(_narrow(exact, spikes), np.ones(layer.neurons), exact.threshold, True)
    rate = spikes.mean(axis=(0, 1))
    scale, weight = _scales(layer, rate, wide)
    bias = np.round(layer.bias / scale)
    threshold = integer_threshold(layer, scale)
    if max(np.abs(bias).max(), threshold.max()) > 1 << 24:
        raise TwinspikeError(
            f"layer {layer.name!r}: its weights are so small beside threshold and bias that these need more "
            "than 24 bits: the layer would never spike; check --from, --dt and the calibration data"
        )
    made = _layer(layer, wide, weight, bias, threshold)
    return Rounded(_narrow(_nudged(made, spikes, target), spikes), scale, made.threshold, False)


def _scales(layer: FloatLayer, rate: np.ndarray, spec: NeuronSpec) -> tuple[np.ndarray, np.ndarray]:
    """Scale [out] and integer weights [out, in] of least expected squared error of the current.

    With independent inputs of spike rates p: sum of p (1 - p) e^2 + (sum of p e)^2, e a weight's error.
    """
    weight, limit = layer.weight, spec.weight_limit
    largest = np.abs(weight).max(axis=1)
    # A neuron without weights only has its bias; a threshold of a few units will do.
    largest[largest == 0] = layer.threshold[largest == 0] * limit / 8
    if spec.weight_bits == 1:
        busy = rate + 1e-9
        tried = [(np.abs(weight) * busy).sum(axis=1) / busy.sum()]
        tried[0][tried[0] == 0] = largest[tried[0] == 0]
    else:
        tried = [clip * largest / limit for clip in CLIPS]
    best = np.full(len(weight), np.inf)
    scale, chosen = np.ones(len(weight)), np.zeros_like(weight)
    for candidate in tried:
        if spec.weight_bits == 1:
            integers = np.where(weight >= 0, 1.0, -1.0)
        else:
            integers = np.clip(np.round(weight / candidate[:, None]), -limit, limit)
        error = integers * candidate[:, None] - weight
        cost = (error**2) @ (rate * (1 - rate)) + (error @ rate) ** 2
        # Inputs that never spike in the calibration may spike later: their errors break ties.
        cost = cost + 1e-6 * (error**2).mean(axis=1)
        better = cost < best
        best[better], scale[better], chosen[better] = cost[better], candidate[better], integers[better]
    return scale, chosen


def _layer(layer: FloatLayer, spec: NeuronSpec, weight, bias, threshold) -> Layer:
    return Layer(spec, weight.astype(np.int8), bias.astype(np.int32), threshold.astype(np.int32))


def membranes(layer: Layer, spikes: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Output spikes bool [T, B, out] with other thresholds, and the lowest and highest u."""
    currents = spikes.astype(np.float32) @ layer.weight.T.astype(np.float32)
    v = np.zeros(currents.shape[1:], dtype=np.int64)
    fired = np.zeros(v.shape, dtype=bool)
    out = np.empty(currents.shape, dtype=bool)
    spec, low, high = layer.spec, 0, 0
    for t, current in enumerate(currents.astype(np.int64)):
        u = lif.leak(v, spec.leak_shift) + layer.bias + current
        low, high = min(low, int(u.min())), max(high, int(u.max()))
        v, fired, out[t] = lif.step(
            v, fired, current, layer.bias.astype(np.int64), threshold,
            leak_shift=spec.leak_shift, reset=spec.reset, single_spike=spec.single_spike,
            state_bits=spec.state_bits,
        )  # fmt: skip
    return out, low, high


def _nudged(layer: Layer, spikes: np.ndarray, target: np.ndarray) -> Layer:
    """Each neuron's threshold moved to where most of its spikes are the target's, least move first."""
    best = np.full(layer.neurons, np.inf)
    chosen = layer.threshold.astype(np.int64)
    for nudge in sorted(NUDGES, key=abs):
        threshold = np.maximum(1, layer.threshold.astype(np.int64) + nudge)
        out, _, _ = membranes(layer, spikes, threshold)
        wrong = (out != target).sum(axis=(0, 1)).astype(float)
        better = wrong < best
        best[better], chosen[better] = wrong[better], threshold[better]
    return dataclasses.replace(layer, threshold=chosen.astype(np.int32))


def _narrow(layer: Layer, spikes: np.ndarray) -> Layer:
    """The layer with as few state bits as its membranes need on `spikes`, and a quarter of reach to spare."""
    _, low, high = membranes(layer, spikes, layer.threshold.astype(np.int64))
    # A membrane must be able to reach its threshold.
    reach = max(high * 5 // 4, int(layer.threshold.max()), -low * 5 // 4)
    bits = min(MAX_STATE_BITS, reach.bit_length() + 1)
    return dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, state_bits=max(2, bits)))
