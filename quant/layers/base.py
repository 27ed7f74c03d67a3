"""What the torch twin of every layer kind has: real-valued parameters that act as integers.

A layer's weights become integers of one scale per channel, in which its bias and threshold are counted:

    current = sum of integer weights * spikes,   real = unit * (current - middle) + bias,   threshold 1
    bias' = round(bias / unit - middle),   threshold' = round(1 / unit)

The unit is the weights' scale, and the middle 0, unless thresholds are told apart from weights: where a layer
shares another's weights, and where currents are normalised (quant/layers/norm.py).
"""

import abc
import dataclasses
from typing import Protocol

import torch
from brevitas.function.ops_ste import round_ste
from torch import Tensor, nn

from ...numerics.errors import out_of_range
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


@dataclasses.dataclass(frozen=True)
class Wiring:
    """Where a layer's input comes from, as its configuration says: see `LayerSettings`."""

    sources: tuple[int, ...] = ()
    combine: str = "add"
    weights_of: int | None = None


class QuantLayer(nn.Module, abc.ABC):
    """The synapses of one layer: spikes [..., inputs] -> integer-valued currents [..., neurons].

    A kind is a subclass that makes its Brevitas layer, `quant`, and multiplies spikes with its weights; it is
    found by the name of its geometry, `synapses`. `where` opens the error messages. Raises TwinspikeError if
    `spec` asks for membranes wider than floats hold exactly.
    """

    def __init__(self, synapses: Synapses, quant: nn.Module, spec: NeuronSpec, where: str):
        super().__init__()
        check_trainable(spec, where)
        self.geometry, self.spec = synapses, spec
        self.linear = quant
        self.wiring = Wiring()
        self.hold = False  # whether the input current of step 0 counts in every step
        self.bias = nn.Parameter(torch.zeros(synapses.channels))
        self.level: nn.Parameter | None = None
        self._owner: tuple[QuantLayer, ...] = ()  # in a tuple: a module of its own it is elsewhere

    @property
    def weight(self) -> Tensor:
        """The real-valued weights, the parameter that learns."""
        return self.linear.weight

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the integer weight tensor."""
        return tuple(self.weight.shape)

    @property
    def others(self) -> list[nn.Parameter]:
        """The parameters beside the weights: weight decay leaves them alone."""
        return [self.bias] if self.level is None else [self.bias, self.level]

    @property
    def fan_in(self) -> int:
        """Weights that end at one neuron."""
        return self.weight[0].numel()

    @property
    def plain(self) -> bool:
        """Whether thresholds follow from the weights alone, as compiled passes take for granted."""
        return self.level is None

    def share(self, owner: "QuantLayer", index: int, where: str) -> None:
        """Take the weights of `owner`, layer `index`, for one's own; thresholds and biases stay apart.

        `level`, the logarithm of what the owner's current counts here, tells the thresholds apart. Raises
        TwinspikeError if the tensors are not of one shape and width, or the owner shares them itself.
        """
        if owner._owner:
            raise out_of_range(f"{where}.weights_of", index, "a layer with weights of its own")
        mine, theirs = ((x.weight_shape, x.spec.weight_bits) for x in (self, owner))
        if mine != theirs:
            shape, bits = mine
            allowed = f"a layer with weights of {list(shape)} at {bits} bits"
            raise out_of_range(f"{where}.weights_of", index, allowed)
        self._owner, self.linear = (owner,), owner.linear
        if self.level is None:
            self.level = nn.Parameter(torch.zeros(self.geometry.channels))

    def reset_parameters(self, std: float, bias: float, generator: torch.Generator) -> None:
        """Draw weights from N(0, std^2), against the threshold of 1, and set every bias."""
        with torch.no_grad():
            if not self._owner:
                self.weight.normal_(0, std, generator=generator)
            self.bias.fill_(bias)

    def placed(self) -> Synapses:
        """The geometry as it is exported; that of a kind whose geometry learns follows from parameters."""
        return self.geometry

    def acting(self) -> Tensor:
        """The real-valued weights that the integers are made of, [channels, fan in]."""
        return self.weight

    def tensor(self) -> tuple[Tensor, Tensor]:
        """Integer-valued weight, in the shape of the kind, and its scale [channels]; straight-through."""
        if self._owner:
            return self._owner[0].tensor()
        weight, scale = self.linear.weight_quant.tensor_quant.integers(self.acting())
        return weight.view(self.weight_shape), scale.flatten()

    def integers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Integer-valued floats: weight, bias and threshold [channels]; gradients straight-through.

        The threshold stays reachable (at most the highest membrane) and the bias inside the
        membrane's range. The scale is held fixed in the gradient: it multiplies weight, bias and
        threshold alike, so the neuron's behaviour does not depend on it.
        """
        weight, scale = self.tensor()
        if self.plain:
            return weight, *self.folded(scale)
        return weight, *self.counted(*self.measured(scale, None))

    def quantised(self) -> Quantised:
        """The weights with what makes integers of them, without gradients."""
        return quantised(self.weight.detach(), self.linear.weight_quant.tensor_quant.rule)

    def folded(self, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Bias and threshold [channels] in units of the weights' scale, one per channel."""
        low, high = state_range(self.spec.state_bits)
        per_channel = scale.detach().flatten()
        bias = round_ste(self.bias / per_channel).clamp(low, high)
        return bias, torch.round(1 / per_channel).clamp(1, high)

    def measured(self, scale: Tensor, current: Tensor | None) -> tuple[Tensor, Tensor | float]:
        """Unit and middle [channels] of the integer currents [..., neurons]; without any, those of export."""
        assert self.level is not None
        return scale.detach() * self.level.exp(), 0.0

    def counted(self, unit: Tensor, middle: Tensor | float) -> tuple[Tensor, Tensor]:
        """Integer-valued bias and threshold [channels] for the unit and middle of `measured`."""
        low, high = state_range(self.spec.state_bits)
        bias = torch.round(self.bias / unit - middle).clamp(low, high)
        return bias, torch.round(1 / unit).clamp(1, high)

    def forward(self, spikes: Tensor | SparseSpikes) -> tuple[Tensor, Tensor]:
        """Currents with the bias added, and the thresholds [neurons] to compare membranes with."""
        weight, scale = self.tensor()
        if self.plain:
            bias, threshold = self.folded(scale)
            return _whole(self.product(spikes, weight, bias)), self._spread(threshold)
        current = _whole(self.product(spikes, weight, torch.zeros_like(self.bias)))
        unit, middle = self.measured(scale, current)
        bias, threshold = (x.detach() for x in self.counted(unit, middle))
        places = current.unflatten(-1, (-1, len(bias)))
        # What counts is the integer current; its gradient is that of the real one, in the same unit.
        real = (unit * (places - middle) + self.bias) / unit.detach()
        driven = Standing.apply(real, (places + bias).detach())
        return driven.flatten(-2), self._spread(threshold)

    def _spread(self, threshold: Tensor) -> Tensor:
        return threshold.repeat(self.geometry.neurons // len(threshold))

    @abc.abstractmethod
    def product(self, spikes: Tensor | SparseSpikes, weight: Tensor, bias: Tensor) -> Tensor:
        """Spikes [..., inputs], or other numbers, times the integer-valued weight, plus bias [channels].

        Returns [..., neurons].
        """


def _whole(current: Tensor) -> Tensor:
    """Currents as the integers that they are: a GPU may go through fractions, far less than half off them."""
    return current if current.device.type == "cpu" else round_ste(current)


class Standing(torch.autograd.Function):
    """A value that stands for another one, whose gradient it passes on."""

    @staticmethod
    def forward(ctx, real: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx, grad: Tensor):
        return grad, None
