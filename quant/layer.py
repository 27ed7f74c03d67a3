"""One layer of integers: how its neurons behave, what connects to them, and its tensors."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.fields import check
from .spec import NeuronSpec, check_leak
from .synapses.base import Synapses, check_weights
from .synapses.dense import Dense

INT32 = np.iinfo(np.int32)


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One layer of integers: weight int8, its shape by kind; bias and threshold int32, one per output.

    `synapses` says how inputs connect to neurons; without it the layer is dense and the weight's shape says
    all. `sources` lists the layers whose outputs are its input, -1 being the network's input; empty means
    the layer before. `combine` is what becomes of several sources. `weights_of` is the layer whose weight
    tensor this one shares. With `hold`, the first layer's input current of step 0 counts in every step,
    instead of that of the step itself.

    A layer of a kind without neurons has a `spec` and tensors that mean nothing; :func:`relay` makes one.
    """

    spec: NeuronSpec
    weight: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray
    synapses: Synapses = None  # type: ignore[assignment]
    sources: tuple[int, ...] = ()
    combine: str = "add"
    weights_of: int | None = None
    hold: bool = False

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

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """The tensors that the file holds of this layer."""
        found = {name: getattr(self, name) for name in tensor_names(self.synapses, self.weights_of)}
        return found | {name: getattr(self.synapses, name) for name in self.synapses.tensors}

    def table(self) -> dict[str, Any]:
        """The layer's entry in the file's metadata; what has its default and is newer than it stays out."""
        spec = self.spec.table() if self.synapses.fires else {}
        table = {"kind": self.kind, **spec, **self.synapses.keys()}
        if self.sources:
            table["sources"] = list(self.sources)
        if self.combine != "add":
            table["combine"] = self.combine
        if self.weights_of is not None:
            table["weights_of"] = self.weights_of
        if self.hold:
            table["hold"] = True
        return table


def relay(synapses: Synapses, sources: tuple[int, ...] = (), combine: str = "add") -> Layer:
    """A layer without neurons: its tensors are empty."""
    none = np.zeros(0, np.int32)
    return Layer(NeuronSpec(), np.zeros(0, np.int8), none, none, synapses, sources, combine)


def tensor_names(synapses: Synapses | type[Synapses], weights_of: object) -> tuple[str, ...]:
    """Tensors of a layer in the file, beside those that only its kind has."""
    if not synapses.fires:
        return ()
    return ("bias", "threshold") if weights_of is not None else ("weight", "bias", "threshold")


def is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_dtype(name: str, array: np.ndarray, dtype: type) -> None:
    """Raise TwinspikeError unless the tensor called `name` is of `dtype`."""
    if array.dtype != dtype:
        raise out_of_range(f"{name} dtype", array.dtype.name, np.dtype(dtype).name)


def check_layer(layer: Layer, where: str, width: int) -> None:
    """Raise TwinspikeError, naming the field, unless the layer is sound behind `width` addresses."""
    for part, dtype in layer.synapses.tensors.items():
        check_dtype(f"{where}.{part}", getattr(layer.synapses, part), dtype)
    if not layer.synapses.fires:
        layer.synapses.check(layer.weight, width, where)
        return
    check(layer.spec, where)
    check_leak(layer.spec, where)
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


def check_plain(layers: Sequence[Layer], where: str, kinds: Sequence[str] = ("dense",)) -> None:
    """Raise TwinspikeError unless the layers are what the format `where` can hold: a chain of these kinds."""
    for index, layer in enumerate(layers):
        if layer.kind not in kinds:
            allowed = f"{' or '.join(kinds)}, to be written as {where}"
            raise out_of_range(f"layers.{index}.kind", layer.kind, allowed)
        if layer.sources not in ((), (index - 1,)) or layer.hold:
            given = "hold" if layer.hold else "sources"
            what = f"layers.{index}.{given} cannot be written as {where}"
            raise TwinspikeError(f"{what}: expected a plain chain")
