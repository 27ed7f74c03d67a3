"""What the torch twin of every layer kind has: real-valued parameters that act as integers."""

import abc
from typing import Protocol

import torch
from brevitas.function.ops_ste import round_ste
from torch import Tensor, nn

from ...numerics.lif import state_range
from ..quantizers import Quantised, quantised
from ..spec import NeuronSpec, check_trainable
from ..synapses.base import Synapses


class SparseSpikes(Protocol):
    """Spikes held otherwise than as a tensor, that know how to drive a layer."""

    def currents(self, weight: Tensor, bias: Tensor) -> Tensor:
        """Spikes [..., in] times weight [out, in], plus bias [out] -> [..., out]."""

    def as_tensor(self) -> Tensor:
        """The same spikes as a tensor [..., in]."""


class QuantLayer(nn.Module, abc.ABC):
    """The synapses of one layer: spikes [..., inputs] -> integer-valued currents [..., neurons].

    A kind is a subclass that makes its Brevitas layer, `quant`, and runs it; it is found by the name of its
    geometry, `synapses`. `where` opens the error messages. Raises TwinspikeError if `spec` asks for membranes
    wider than floats hold exactly.
    """

    def __init__(self, synapses: Synapses, quant: nn.Module, spec: NeuronSpec, where: str):
        super().__init__()
        check_trainable(spec, where)
        self.geometry, self.spec = synapses, spec
        self.linear = quant
        self.hold = False  # whether the input current of step 0 counts in every step
        self.bias = nn.Parameter(torch.zeros(synapses.channels))

    @property
    def weight(self) -> Tensor:
        """The real-valued weights, the parameter that learns."""
        return self.linear.weight

    @property
    def others(self) -> list[nn.Parameter]:
        """The parameters beside the weights: weight decay leaves them alone."""
        return [self.bias]

    @property
    def fan_in(self) -> int:
        """Weights that end at one neuron."""
        return self.weight[0].numel()

    def reset_parameters(self, std: float, bias: float, generator: torch.Generator) -> None:
        """Draw weights from N(0, std^2), against the threshold of 1, and set every bias."""
        with torch.no_grad():
            self.weight.normal_(0, std, generator=generator)
            self.bias.fill_(bias)

    def integers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Integer-valued floats: weight, bias and threshold [channels]; gradients straight-through.

        The threshold stays reachable (at most the highest membrane) and the bias inside the
        membrane's range. The scale is held fixed in the gradient: it multiplies weight, bias and
        threshold alike, so the neuron's behaviour does not depend on it.
        """
        weight, scale = self.linear.weight_quant.tensor_quant.integers(self.weight)
        return weight, *self.folded(scale)

    def quantised(self) -> Quantised:
        """The weights with what makes integers of them, without gradients."""
        return quantised(self.weight.detach(), self.linear.weight_quant.tensor_quant.rule)

    def folded(self, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Bias and threshold [channels] in units of the weights' scale, one per channel."""
        low, high = state_range(self.spec.state_bits)
        per_channel = scale.detach().flatten()
        bias = round_ste(self.bias / per_channel).clamp(low, high)
        return bias, torch.round(1 / per_channel).clamp(1, high)

    @abc.abstractmethod
    def forward(self, spikes: Tensor | SparseSpikes) -> tuple[Tensor, Tensor]:
        """Currents with the bias added, and the thresholds [neurons] to compare membranes with."""
