"""One layer of integers: how its neurons behave, and its tensors."""

import dataclasses

import numpy as np

from ..numerics.errors import out_of_range
from ..numerics.events import MAX_ADDRESS
from ..numerics.fields import check, setting

RESETS = ("subtract", "zero")
# float32 counts exactly to 2^24: a membrane of 24 bits plus bias and integration stays below it.
MAX_TRAINED_STATE_BITS = 24


@dataclasses.dataclass(frozen=True)
class NeuronSpec:
    """How the neurons of one dense layer behave; section "layers" of the file's metadata."""

    weight_bits: int = setting(4, low=1, high=8, help="weight width; 1 bit means exactly -1 or +1")
    leak_shift: int = setting(3, low=0, high=31, help="k of v - (v >> k) each step; 0: no leak")
    reset: str = setting("subtract", choices=RESETS, help="after a spike: v - threshold, or 0")
    single_spike: bool = setting(False, help="silent for the rest of the frame after the first spike")
    state_bits: int = setting(
        12,
        low=2,
        high=32,
        help=f"membrane potential clamps to this many bits; training takes at most {MAX_TRAINED_STATE_BITS}",
    )

    @property
    def weight_limit(self) -> int:
        """Largest weight magnitude: 2^(b-1) - 1 (symmetric narrow range), 1 for binary weights."""
        return max(1, (1 << (self.weight_bits - 1)) - 1)


def check_trainable(spec: NeuronSpec, where: str) -> None:
    """Raise TwinspikeError if `spec` asks for membranes wider than the floats of training hold exactly."""
    if spec.state_bits > MAX_TRAINED_STATE_BITS:
        allowed = f"2..{MAX_TRAINED_STATE_BITS} to train (floats hold that many bits exactly)"
        raise out_of_range(f"{where}.state_bits", spec.state_bits, allowed)


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One dense layer of integers: weight int8 [out, in]; bias and threshold int32 [out]."""

    spec: NeuronSpec
    weight: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray

    @property
    def inputs(self) -> int:
        return self.weight.shape[1]

    @property
    def neurons(self) -> int:
        return self.weight.shape[0]


INT32 = np.iinfo(np.int32)


def is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check_dtype(name: str, array: np.ndarray, dtype: type) -> None:
    if array.dtype != dtype:
        raise out_of_range(f"{name} dtype", array.dtype.name, np.dtype(dtype).name)


def _check_layer(layer: "Layer", where: str, width: int) -> None:
    check(layer.spec, where)
    weight, limit = layer.weight, layer.spec.weight_limit
    for part, dtype in (("weight", np.int8), ("bias", np.int32), ("threshold", np.int32)):
        _check_dtype(f"{where}.{part}", getattr(layer, part), dtype)
    if weight.ndim != 2 or weight.shape[0] < 1 or weight.shape[1] != width:
        raise out_of_range(f"{where}.weight shape", weight.shape, f"[neurons >= 1, {width}]")
    if max(weight.shape) > MAX_ADDRESS + 1:
        raise out_of_range(
            f"{where}.weight shape", weight.shape, f"at most {MAX_ADDRESS + 1} addresses a side"
        )
    for part in ("bias", "threshold"):
        if getattr(layer, part).shape != (layer.neurons,):
            raise out_of_range(f"{where}.{part} shape", getattr(layer, part).shape, f"[{layer.neurons}]")
    bad = np.abs(weight.astype(np.int16)) > limit
    allowed = f"-{limit}..{limit} at {layer.spec.weight_bits} bits"
    if layer.spec.weight_bits == 1:
        bad, allowed = bad | (weight == 0), "-1 or +1 at 1 bit"
    if bad.any():
        j, i = (int(axis[0]) for axis in np.nonzero(bad))
        raise out_of_range(f"{where}.weight[{j},{i}]", int(weight[j, i]), allowed)
    if layer.threshold.min() < 1:
        j = int(np.argmin(layer.threshold))
        raise out_of_range(f"{where}.threshold[{j}]", int(layer.threshold[j]), f"1..{INT32.max}")
