"""Dense layers with Brevitas-quantised weights whose scale folds into integer thresholds.

A neuron of real-valued weights w, bias b and threshold 1 behaves as one of integers

    weight = round(w / s)   bias = round(b / s)   threshold = round(1 / s) >= 1

for a scale s of its own (one per output channel). Training computes with these integers already,
rounding straight-through, so that export has nothing left to round.
"""

from brevitas.nn import QuantLinear
from torch import Tensor, nn

from ..quantizers import weight_quantizer
from ..spec import LayerSettings, NeuronSpec
from ..synapses.dense import Dense
from .base import QuantLayer, SparseSpikes


class QuantDense(QuantLayer):
    """Fully connected synapses: weight [neurons, inputs]."""

    def __init__(self, inputs: int, neurons: int, spec: NeuronSpec, where: str = "layer"):
        linear = QuantLinear(
            inputs,
            neurons,
            bias=False,
            weight_quant=weight_quantizer(spec.weight_bits),
            weight_bit_width=spec.weight_bits,
        )
        super().__init__(Dense(inputs, neurons), linear, spec, where)

    @classmethod
    def of(cls, shape: tuple[int, ...], settings: LayerSettings, where: str) -> "QuantDense":
        """The layer of a configuration's entry behind a map of `shape`."""
        inputs = 1
        for size in shape:
            inputs *= size
        return cls(inputs, settings.neurons, settings.spec, where)

    def product(self, spikes: Tensor | SparseSpikes, weight: Tensor, bias: Tensor) -> Tensor:
        if isinstance(spikes, Tensor):
            return nn.functional.linear(spikes, weight, bias)
        return spikes.currents(weight, bias)
