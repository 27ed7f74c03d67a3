"""Dense layers with Brevitas-quantised weights whose scale folds into integer thresholds.

A neuron of real-valued weights w, bias b and threshold 1 behaves as one of integers

    weight = round(w / s)   bias = round(b / s)   threshold = round(1 / s) >= 1

for a scale s of its own (one an output channel). Training computes with these integers already,
rounding straight-through, so that export has nothing left to round.
"""

import torch
from brevitas.function.ops_ste import round_ste
from brevitas.inject.enum import QuantType, StatsOp
from brevitas.nn import QuantLinear
from brevitas.quant import Int8WeightPerChannelFloat
from torch import Tensor, nn

from ..numerics.errors import out_of_range
from ..numerics.lif import state_range
from .network import NeuronSpec

# float32 counts exactly to 2^24: a membrane of 24 bits plus bias and integration stays below it.
MAX_STATE_BITS = 24
# Share of inputs that spike in a step, below which events are summed one by one.
SPARSE_BELOW = 0.05


class WeightQuantizer(Int8WeightPerChannelFloat):
    """Symmetric narrow range; largest weight = mean(|w|) + sigma * std(|w|) of each neuron.

    Weights beyond it saturate, so that a few large ones do not coarsen all the others.
    """

    scaling_stats_op = StatsOp.MEAN_SIGMA_STD
    sigma = 3.0


class TernaryWeightQuantizer(WeightQuantizer):
    """-1, 0, +1 with the zero zone of Li et al., "Ternary Weight Networks", 2016: |w| < 0.7 mean(|w|).

    Rounding puts the border at half the scale, and mean + 0.5 std is 1.4 means of a Gaussian's |w|.
    """

    sigma = 0.5


class BinaryWeightQuantizer(Int8WeightPerChannelFloat):
    """Exactly -1 or +1; the scale is the mean magnitude (Rastegari et al., "XNOR-Net", 2016)."""

    quant_type = QuantType.BINARY
    scaling_stats_op = StatsOp.AVE


def weight_quantizer(weight_bits: int) -> type[Int8WeightPerChannelFloat]:
    """The Brevitas weight quantiser for a width of 1 to 8 bits."""
    return {1: BinaryWeightQuantizer, 2: TernaryWeightQuantizer}.get(weight_bits, WeightQuantizer)


class QuantDense(nn.Module):
    """Fully connected synapses: spikes [..., inputs] -> integer-valued currents [..., neurons].

    `where` opens the error messages. Raises TwinspikeError if `spec` asks for membranes wider
    than floats hold exactly.
    """

    def __init__(self, inputs: int, neurons: int, spec: NeuronSpec, where: str = "layer"):
        super().__init__()
        if spec.state_bits > MAX_STATE_BITS:
            allowed = f"2..{MAX_STATE_BITS} to train (floats hold that many bits exactly)"
            raise out_of_range(f"{where}.state_bits", spec.state_bits, allowed)
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
        quantised = self.linear.quant_weight()
        low, high = state_range(self.spec.state_bits)
        scale = quantised.scale.detach()
        per_neuron = scale.flatten()
        weight = round_ste(quantised.value / scale)
        bias = round_ste(self.bias / per_neuron).clamp(low, high)
        threshold = torch.round(1 / per_neuron).clamp(1, high)
        return weight, bias, threshold

    def forward(self, spikes: Tensor) -> tuple[Tensor, Tensor]:
        """Currents with the bias added, and the thresholds [neurons] to compare membranes with."""
        weight, bias, threshold = self.integers()
        # Input spikes need no gradient and are rare: summing their weight rows beats the matrix product.
        if spikes.requires_grad or spikes.device.type != "cpu" or spikes.mean() > SPARSE_BELOW:
            return nn.functional.linear(spikes, weight, bias), threshold
        return sparse_currents(spikes, weight) + bias, threshold


def sparse_currents(spikes: Tensor, weight: Tensor) -> Tensor:
    """spikes [..., in] (0 or 1, no gradient) times weight [out, in] -> [..., out], one row an event."""
    row, address = spikes.flatten(0, -2).nonzero().unbind(1)
    events = torch.bincount(row, minlength=spikes.shape[:-1].numel())
    sums = nn.functional.embedding_bag(address, weight.T.contiguous(), events.cumsum(0) - events, mode="sum")
    return sums.view(*spikes.shape[:-1], len(weight))
