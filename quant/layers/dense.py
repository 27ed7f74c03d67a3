"""Dense layers with Brevitas-quantised weights whose scale folds into integer thresholds.

A neuron of real-valued weights w, bias b and threshold 1 behaves as one of integers

    weight = round(w / s)   bias = round(b / s)   threshold = round(1 / s) >= 1

for a scale s of its own (one per output channel). Training computes with these integers already,
rounding straight-through, so that export has nothing left to round.
"""

from math import prod

from torch import Tensor, nn

from ..spec import LayerSettings, NeuronSpec
from ..synapses.dense import Dense
from .base import SparseSpikes
from .norm import Normalised


class QuantDense(Normalised):
    """Fully connected synapses: weight [neurons, inputs]."""

    def __init__(
        self,
        inputs: int,
        neurons: int,
        spec: NeuronSpec,
        where: str = "layer",
        *,
        layer_scale: bool = False,
        norm: str = "none",
    ):
        super().__init__(Dense(inputs, neurons), inputs, spec, norm, where, layer_scale=layer_scale)

    @classmethod
    def of(cls, shape: tuple[int, ...], settings: LayerSettings, where: str) -> "QuantDense":
        """The layer of a configuration's entry behind a map of `shape`."""
        return cls(
            prod(shape),
            settings.neurons,
            settings.spec,
            where,
            layer_scale=settings.layer_scale,
            norm=settings.norm,
        )

    def product(self, spikes: Tensor | SparseSpikes, weight: Tensor, bias: Tensor) -> Tensor:
        if isinstance(spikes, Tensor):
            return nn.functional.linear(spikes, weight, bias)
        return spikes.currents(weight, bias)
