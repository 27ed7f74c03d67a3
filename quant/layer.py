"""One layer of integers: how its neurons behave, what connects to them, and its tensors."""

import dataclasses
from typing import Any

import numpy as np

from ..numerics.errors import out_of_range
from ..numerics.fields import check
from .spec import NeuronSpec
from .synapses.base import Synapses, check_weights
from .synapses.dense import Dense

# How the outputs of several sources become one input: multiplicities add up, or spikes are combined.
COMBINES = ("add", "and", "iand")
INT32 = np.iinfo(np.int32)


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One layer of integers: weight int8, its shape by kind; bias and threshold int32, one per output.

    `synapses` says how inputs connect to neurons; without it the layer is dense and the weight's shape says
    all. `sources` lists the layers whose outputs are its input, -1 being the network's input; empty means
    the layer before. `combine` is what becomes of several sources.
    """

    spec: NeuronSpec
    weight: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray
    synapses: Synapses = None  # type: ignore[assignment]
    sources: tuple[int, ...] = ()
    combine: str = "add"

    def __post_init__(self) -> None:
        if self.synapses is None:
            neurons, inputs = self.weight.shape if self.weight.ndim == 2 else (0, 0)
            object.__setattr__(self, "synapses", Dense(inputs, neurons))

    @property
    def kind(self) -> str:
        return self.synapses.kind

    @property
    def inputs(self) -> int:
        return self.synapses.inputs

    @property
    def neurons(self) -> int:
        return self.synapses.neurons

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output map, whose flat order is the order of the neurons."""
        return self.synapses.shape

    def table(self) -> dict[str, Any]:
        """The layer's entry in the file's metadata; what has its default and is newer than it stays out."""
        table = {"kind": self.kind, **dataclasses.asdict(self.spec), **self.synapses.keys()}
        if self.sources:
            table["sources"] = list(self.sources)
        if self.combine != "add":
            table["combine"] = self.combine
        return table


def is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_dtype(name: str, array: np.ndarray, dtype: type) -> None:
    """Raise TwinspikeError unless the tensor called `name` is of `dtype`."""
    if array.dtype != dtype:
        raise out_of_range(f"{name} dtype", array.dtype.name, np.dtype(dtype).name)


def check_layer(layer: Layer, where: str, width: int) -> None:
    """Raise TwinspikeError, naming the field, unless the layer is sound behind `width` addresses."""
    check(layer.spec, where)
    for part, dtype in (("weight", np.int8), ("bias", np.int32), ("threshold", np.int32)):
        check_dtype(f"{where}.{part}", getattr(layer, part), dtype)
    layer.synapses.check(layer.weight, width, where)
    channels = layer.synapses.channels
    for part in ("bias", "threshold"):
        if getattr(layer, part).shape != (channels,):
            raise out_of_range(f"{where}.{part} shape", getattr(layer, part).shape, f"[{channels}]")
    check_weights(layer.weight, layer.spec.weight_bits, layer.spec.weight_limit, where)
    if layer.threshold.min() < 1:
        j = int(np.argmin(layer.threshold))
        raise out_of_range(f"{where}.threshold[{j}]", int(layer.threshold[j]), f"1..{INT32.max}")
