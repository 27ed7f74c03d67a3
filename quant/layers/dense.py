"""Dense layers with Brevitas-quantised weights whose scale folds into integer thresholds.

A neuron of real-valued weights w, bias b and threshold 1 behaves as one of integers

    weight = round(w / s)   bias = round(b / s)   threshold = round(1 / s) >= 1

for a scale s of its own (one per output channel). Training computes with these integers already,
rounding straight-through, so that export has nothing left to round.
"""

from math import prod

import torch
from torch import Tensor, nn

from ...numerics.errors import out_of_range
from ..spec import LayerSettings, NeuronSpec
from ..synapses.dense import Dense
from .base import SparseSpikes
from .norm import Normalised


class QuantDense(Normalised):
    """Fully connected synapses: weight [neurons, inputs].

    With `layer_scale` the unit of currents is not each neuron's scale but one learnt number, exp(level).
    """

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
        super().__init__(Dense(inputs, neurons), inputs, spec, norm, where)
        if layer_scale and self.batch:
            raise out_of_range(f"{where}.layer_scale", True, 'false, where norm = "batch"')
        self.layer_scale = layer_scale
        if layer_scale:
            self.level = nn.Parameter(torch.zeros(1))

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

    def reset_parameters(self, std: float, bias: float, generator: torch.Generator) -> None:
        super().reset_parameters(std, bias, generator)
        if self.layer_scale:
            assert self.level is not None
            with torch.no_grad():
                self.level.fill_(self.tensor()[1].mean().log())

    def measured(self, scale: Tensor, current: Tensor | None) -> tuple[Tensor, Tensor | float]:
        if not self.layer_scale:
            return super().measured(scale, current)
        assert self.level is not None
        return self.level.exp().expand(self.geometry.channels), 0.0

    def product(self, spikes: Tensor | SparseSpikes, weight: Tensor, bias: Tensor) -> Tensor:
        if isinstance(spikes, Tensor):
            return nn.functional.linear(spikes, weight, bias)
        return spikes.currents(weight, bias)
