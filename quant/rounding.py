"""From real-valued layers to integers, after training: leak, scales, thresholds and state width.

Chosen on calibration spikes, so that the integer layer spikes as often as the real one and near it. What
the file states exactly (integer weights, a leak of 2^-k) is taken over exactly.
"""

import dataclasses

import numpy as np

from ..numerics.errors import TwinspikeError
from .floating import FloatLayer
from .layer import INT32, Layer
from .matching import choose_thresholds
from .neurons import moments
from .scaling import in_scale, whole_scales
from .spec import NeuronSpec
from .synapses.base import Synapses
from .synapses.maps import Windows
from .synapses.pool import pooled

MAX_SHIFT = 12
# Largest weight that is not clipped, as a share of a neuron's largest one.
CLIPS = np.linspace(0.3, 1.0, 29)
# Factors on thresholds that are tried to make up for another leak, and for rounding; 1 comes first.
STRETCHES = sorted(1.5 ** (np.arange(-15, 16) / 15), key=lambda x: abs(np.log(x)))
# How many stronger leaks than the real layer's are tried where the core's rounding weakens it.
STRONGER = 3
# Moves of integer thresholds that are tried as well.
NUDGES = sorted(range(-4, 5), key=abs)
MAX_STATE_BITS = 32


def leak_factor(shift: int) -> float:
    """What is left of a membrane after a step: 1 - 2^-k, and 1 for k = 0, no leak."""
    return 1.0 - 2.0**-shift if shift else 1.0


def nearest_shift(decay: float) -> int:
    """The leak shift whose factor is nearest to `decay`."""
    return min(range(MAX_SHIFT + 1), key=lambda k: (abs(leak_factor(k) - decay), k))


def fit_leak(layer: FloatLayer, spikes: np.ndarray) -> tuple[FloatLayer, int]:
    """The layer with a power-of-two leak, and its shift: the nearest decay's, or the better neighbour's.

    Neurons that keep nothing stay as they are, with a shift of 0.

    Another leak changes how high membranes climb; a factor on each neuron's threshold makes up for
    part of it. Both are chosen by how far output spikes move on `spikes` bool [T, B, in] (quant/matching.py).
    """
    if not layer.decay.any():
        return layer, 0
    nearest = nearest_shift(float(np.mean(layer.decay)))
    if np.allclose(layer.decay, leak_factor(nearest), rtol=0, atol=1e-6):
        return dataclasses.replace(layer, decay=np.full(layer.channels, leak_factor(nearest))), nearest
    currents = layer.currents(spikes)
    target = layer.fire(currents)
    stretched = [layer.threshold * stretch for stretch in STRETCHES]
    tried = []
    for shift in neighbours(nearest):
        leaky = dataclasses.replace(layer, decay=np.full(layer.channels, leak_factor(shift)))

        def run(threshold: np.ndarray, leaky: FloatLayer = leaky) -> np.ndarray:
            return dataclasses.replace(leaky, threshold=threshold).fire(currents)

        threshold, wrong = choose_thresholds(stretched, run, target)
        tried.append((wrong.sum(), dataclasses.replace(leaky, threshold=threshold), shift))
    _, found, shift = min(tried, key=lambda one: one[0])
    return found, shift


def neighbours(shift: int) -> list[int]:
    """A shift, and those of the next leaks on either side; 0, no leak, follows the weakest leak."""
    order = [*range(1, MAX_SHIFT + 1), 0]
    at = order.index(shift)
    return [shift, *order[max(at - 1, 0) : at], *order[at + 1 : at + 2]]


def hardware_reset(layer: FloatLayer) -> FloatLayer:
    """The layer with a reset that the core has, in the step of the spike, and its start of frames, at 0."""
    reset = "subtract" if layer.reset.startswith("subtract") else "zero"
    return dataclasses.replace(layer, reset=reset, start=None)


@dataclasses.dataclass(frozen=True, eq=False)
class Rounded:
    """An integer layer; weight = scale [channels] of its neuron * integer; `exact` if nothing was rounded.

    Its inputs pass `pools` first.

    `threshold` [channels] is the real one in that scale, before it moved to make up for rounding.
    """

    layer: Layer
    scale: np.ndarray
    threshold: np.ndarray
    exact: bool
    pools: tuple[Synapses, ...] = ()

    def run(self, spikes: np.ndarray) -> np.ndarray:
        """Input spikes bool [T, B, in] -> output spikes bool [T, B, out], as the golden model has them."""
        inputs = pooled(self.pools, spikes)
        return membranes(self.layer, inputs, self.layer.threshold.astype(np.int64))[0]


def real_layer(rounded: Rounded, like: FloatLayer) -> FloatLayer:
    """The integer layer's values in real numbers again, stepped without floors and clamps."""
    layer = rounded.layer
    return dataclasses.replace(
        like,
        weight=layer.weight.astype(np.float64),
        bias=layer.bias.astype(np.float64),
        threshold=rounded.threshold.astype(np.float64),
        strict=False,
    )


def exact_layer(layer: FloatLayer, spec: NeuronSpec) -> Layer | None:
    """The layer as it stands, if its weights, biases and leak are integers of the kind that `spec` has."""
    whole = all(np.array_equal(x, np.round(x)) for x in (layer.weight, layer.bias))
    fits = whole and np.abs(layer.weight).max() <= spec.weight_limit and np.abs(layer.bias).max() <= INT32.max
    binary = spec.weight_bits > 1 or bool((layer.weight != 0).all())
    factor = 0.0 if spec.forget else leak_factor(spec.leak_shift)
    leak = np.allclose(layer.decay, factor, rtol=0, atol=1e-12)
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
    [T, B, out] the spikes that it should give. Each neuron, or channel, has a scale of its own, chosen by the
    mean squared error of its current; then its threshold moves where that brings its spikes nearer to
    the target's (quant/matching.py). The state is as wide as the calibration needs, with a quarter to spare.
    Raises TwinspikeError if thresholds or biases need more than 32 bits.
    """
    spikes = pooled(layer.pools, spikes)
    wide = NeuronSpec(weight_bits, shift, layer.reset, False, MAX_STATE_BITS, not layer.decay.any())
    exact, scale = exact_layer(layer, wide), np.ones(layer.channels)
    if exact is None and (found := whole_scales(layer, wide.weight_limit)) is not None:
        exact, scale = exact_layer(in_scale(layer, found), wide), found
    if exact is not None:
        return Rounded(_narrow(exact, spikes), scale, exact.threshold, True, layer.pools)
    mean = spikes.mean(axis=(0, 1))
    rate = _tap_rates(layer, mean)
    spread = rate * (1 - rate)
    if layer.pools:  # inputs may spike more than once a step
        spread = _tap_rates(layer, np.square(spikes).mean(axis=(0, 1)) - mean**2)
    scale, weight = _scales(layer, rate, spread, wide)
    bias = np.round(layer.bias / scale)
    threshold = integer_threshold(layer, scale)
    if max(np.abs(bias).max(), threshold.max()) > 1 << 24:
        raise TwinspikeError(
            f"layer {layer.name!r}: its weights are so small beside threshold and bias that these need more "
            "than 24 bits: the layer would never spike; check --from, --dt and the calibration data"
        )
    made = _layer(layer, wide, weight, bias, threshold)
    return Rounded(_narrow(_fitted(made, spikes, target), spikes), scale, made.threshold, False, layer.pools)


def _scales(
    layer: FloatLayer, rate: np.ndarray, spread: np.ndarray, spec: NeuronSpec
) -> tuple[np.ndarray, np.ndarray]:
    """Scale [channels] and integer weights of least expected squared error of the current.

    With independent inputs of spike rates p and variances s: sum of s e^2 + (sum of p e)^2, e a weight's
    error. Both are [weights of a channel], or [channels, weights of a channel] where channels see other
    inputs.
    """
    weight, limit = layer.weight.reshape(layer.channels, -1), spec.weight_limit
    largest = np.abs(weight).max(axis=1)
    # A neuron without weights only has its bias; a threshold of a few units will do.
    largest[largest == 0] = layer.threshold[largest == 0] * limit / 8
    if spec.weight_bits == 1:
        busy = rate + 1e-9
        tried = [(np.abs(weight) * busy).sum(axis=1) / busy.sum(axis=-1)]
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
        cost = _weighed(error**2, spread) + _weighed(error, rate) ** 2
        # Inputs that never spike in the calibration may spike later: their errors break ties.
        cost = cost + 1e-6 * (error**2).mean(axis=1)
        better = cost < best
        best[better], scale[better], chosen[better] = cost[better], candidate[better], integers[better]
    return scale, chosen.reshape(layer.weight.shape)


def _weighed(error: np.ndarray, rate: np.ndarray) -> np.ndarray:
    return error @ rate if rate.ndim == 1 else np.asarray((error * rate).sum(axis=1))


def _tap_rates(layer: FloatLayer, rate: np.ndarray) -> np.ndarray:
    """Spike rates [in] of a layer's inputs as those of its weights: [in], or [channels, weights] of a map.

    A map's weight sees another input at every place: its rate is their mean, silent ones outside included.
    """
    synapses = layer.synapses
    if not isinstance(synapses, Windows):
        return rate
    # The last one, -1, is what lies outside.
    seen = np.append(rate, 0.0)[synapses.seen].mean(axis=1).T  # [C, taps]
    groups = seen.reshape(synapses.groups, -1)
    return np.repeat(groups, synapses.filters // synapses.groups, axis=0)


def _layer(layer: FloatLayer, spec: NeuronSpec, weight, bias, threshold) -> Layer:
    integers = weight.astype(np.int8), bias.astype(np.int32), threshold.astype(np.int32)
    return Layer(spec, *integers, layer.synapses)


def membranes(layer: Layer, spikes: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Output spikes bool [T, B, out] with other thresholds [channels], and the lowest and highest u."""
    return _integrate(layer, _currents(layer, spikes), threshold)


def _currents(layer: Layer, spikes: np.ndarray) -> np.ndarray:
    return layer.synapses.currents(layer.weight, spikes)


def _integrate(layer: Layer, currents: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, int, int]:
    out = np.empty(currents.shape, dtype=bool)
    low, high = 0, 0
    threshold = layer.synapses.spread(threshold)
    for t, now in enumerate(moments(layer, currents, threshold=threshold)):
        low, high = min(low, int(now.total.min())), max(high, int(now.total.max()))
        out[t] = now.spikes
    return out, low, high


def _fitted(layer: Layer, spikes: np.ndarray, target: np.ndarray) -> Layer:
    """Each neuron's threshold moved to where its spikes are nearest to the target's, least move first.

    The core rounds its leak down: a membrane below 2^k loses nothing at all. Stronger leaks and the next
    weaker one are therefore tried too. A layer that falls silent is the last choice.
    """
    shift = layer.spec.leak_shift
    tried: list[tuple[bool, float, int, Layer]] = []
    around = range(max(shift - STRONGER, 1), min(shift + 1, MAX_SHIFT) + 1) if shift else ()
    for k in sorted({shift, *around}, key=lambda k: abs(k - shift)):
        other = dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, leak_shift=k))
        found, wrong = _nudged(other, spikes, target)
        alive = membranes(found, spikes, found.threshold.astype(np.int64))[0].any()
        tried.append((not alive and bool(target.any()), wrong, len(tried), found))
        if not wrong:
            break
    return min(tried)[3]


def _nudged(layer: Layer, spikes: np.ndarray, target: np.ndarray) -> tuple[Layer, float]:
    plain = layer.threshold.astype(np.int64)
    moved = {tuple(plain + nudge): None for nudge in NUDGES}
    for power in (1, 3):  # finely near the threshold, coarsely far from it
        moved |= {tuple(np.rint(plain * stretch**power).astype(np.int64)): None for stretch in STRETCHES}
    candidates = [np.clip(np.array(threshold), 1, INT32.max) for threshold in moved]
    currents = _currents(layer, spikes)
    chosen, wrong = choose_thresholds(candidates, lambda one: _integrate(layer, currents, one)[0], target)
    return dataclasses.replace(layer, threshold=chosen.astype(np.int32)), float(wrong.sum())


def _narrow(layer: Layer, spikes: np.ndarray) -> Layer:
    """The layer with as few state bits as its membranes need on `spikes`, and a quarter of reach to spare."""
    _, low, high = membranes(layer, spikes, layer.threshold.astype(np.int64))
    # A membrane must be able to reach its threshold.
    reach = max(high * 5 // 4, int(layer.threshold.max()), -low * 5 // 4)
    bits = min(MAX_STATE_BITS, reach.bit_length() + 1)
    return dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, state_bits=max(2, bits)))
