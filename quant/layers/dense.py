"""Dense layers with Brevitas-quantised weights whose scale folds into integer thresholds.

A neuron of real-valued weights w, bias b and threshold 1 behaves as one of integers

    weight = round(w / s)   bias = round(b / s)   threshold = round(1 / s) >= 1

for a scale s of its own (one an output channel). Training computes with these integers already,
rounding straight-through, so that export has nothing left to round.
"""

from typing import Protocol

import torch
from brevitas.function.ops_ste import round_ste
from brevitas.nn import QuantLinear
from torch import Tensor, nn

from ...numerics.lif import state_range
from ..layer import NeuronSpec, check_trainable
from ..quantizers import Quantised, quantised, weight_quantizer


class SparseSpikes(Protocol):
    """Spikes held otherwise than as a tensor, that know how to drive a layer."""

    def currents(self, weight: Tensor, bias: Tensor) -> Tensor:
        """Spikes [..., in] times weight [out, in], plus bias [out] -> [..., out]."""


class QuantDense(nn.Module):
    """Fully connected synapses: spikes [..., inputs] -> integer-valued currents [..., neurons].

    `where` opens the error messages. Raises TwinspikeError if `spec` asks for membranes wider
    than floats hold exactly.
    """

    def __init__(self, inputs: int, neurons: int, spec: NeuronSpec, where: str = "layer"):
        super().__init__()
        check_trainable(spec, where)
        self.spec = spec
        self.linear = QuantLinear(
            inputs,
            neurons,
            bias=False,
            weight_quant=weight_quantizer(spec.weight_bits),
            weight_bit_width=spec.weight_bits,
        )
        self.bias = nn.Parameter(torch.zeros(neurons))

    def reset_parameters(self, std: float, bias: float, generator: torch.Generator) -> None:
        """Draw weights from N(0, std^2), against the threshold of 1, and set every bias."""
        with torch.no_grad():
            self.linear.weight.normal_(0, std, generator=generator)
            self.bias.fill_(bias)

    def integers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Integer-valued floats: weight [out, in], bias [out], threshold [out]; gradients straight-through.

        The threshold stays reachable (at most the highest membrane) and the bias inside the
        membrane's range. The scale is held fixed in the gradient: it multiplies weight, bias and
        threshold alike, so the neuron's behaviour does not depend on it.
        """
        weight, scale = self.linear.weight_quant.tensor_quant.integers(self.linear.weight)
        return weight, *self.folded(scale)

    def quantised(self) -> Quantised:
        """The weights with what makes integers of them, without gradients."""
        return quantised(self.linear.weight.detach(), self.linear.weight_quant.tensor_quant.rule)

    def folded(self, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Bias and threshold [out] in units of the weights' scale [out, 1]."""
        low, high = state_range(self.spec.state_bits)
        per_neuron = scale.detach().flatten()
        bias = round_ste(self.bias / per_neuron).clamp(low, high)
        return bias, torch.round(1 / per_neuron).clamp(1, high)

    def forward(self, spikes: Tensor | SparseSpikes) -> tuple[Tensor, Tensor]:
        """Currents with the bias added, and the thresholds [neurons] to compare membranes with."""
        weight, bias, threshold = self.integers()
        if isinstance(spikes, Tensor):
            return nn.functional.linear(spikes, weight, bias), threshold
        return spikes.currents(weight, bias), threshold
