"""Brevitas weight quantisers of 1 to 8 bits whose value and gradient are one autograd node.

Values and gradients are those of Brevitas's own chain of some forty small nodes (statistics,
scaling, rounding and clamping straight-through), which takes twenty times as long on a CPU;
tests/quant/test_quantizers.py holds them against it.
"""

import dataclasses

import torch
from brevitas.quant import Int8WeightPerChannelFloat
from torch import Tensor, nn
from torch.linalg import vector_norm

# Brevitas's own: added to the variance, and the least scale.
EPSILON = 1e-8
LEAST_SCALE = 1e-10


@dataclasses.dataclass(frozen=True)
class Rule:
    """scale = (mean|x| + sigma * std|x|) / limit for each output; a width of 1 bit has only -1 and +1."""

    bits: int
    sigma: float

    @property
    def limit(self) -> int:
        """The largest integer weight."""
        return max(1, 2 ** (self.bits - 1) - 1)

    @property
    def sign(self) -> bool:
        """Whether a weight's sign is all that counts."""
        return self.bits == 1


@dataclasses.dataclass(frozen=True)
class Quantised:
    """Real-valued weights [out, in] and what makes them integers: scale, mean and std of |x|, [out, 1]."""

    real: Tensor
    scale: Tensor
    mean: Tensor
    deviation: Tensor
    rule: Rule

    def integers(self) -> Tensor:
        """Integer-valued weight [out, in]: round(x / scale) clamped, or the sign."""
        if self.rule.sign:
            return (self.real >= 0).to(self.real.dtype).mul_(2).sub_(1)
        return (self.real / self.scale).round_().clamp_(-self.rule.limit, self.rule.limit)


def quantised(x: Tensor, rule: Rule) -> Quantised:
    """Measure weights [out, in], in double precision: the order of a sum does not show in the result."""
    n = x.shape[1]
    mean = x.abs().sum(1, keepdim=True, dtype=torch.float64) / n
    squares = vector_norm(x, 2, 1, keepdim=True, dtype=torch.float64).square() - n * mean.square()
    deviation = (squares.clamp(min=0) / max(1, n - 1) + EPSILON).sqrt()
    scale = ((mean + rule.sigma * deviation) / rule.limit).clamp(min=LEAST_SCALE)
    return Quantised(x, scale.to(x.dtype), mean.to(x.dtype), deviation.to(x.dtype), rule)


class MeanSigma(nn.Module):
    """Brevitas's `tensor_quant`: x [out, in] -> quantised value, scale [out, 1], zero point, bit width."""

    def __init__(self, bit_width: int, sigma: float):
        super().__init__()
        self.rule = Rule(bit_width, sigma)

    def integers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Integer-valued weight [out, in] = value / scale, and scale [out, 1].

        In the weight's gradient the scale that divides is held fixed: it multiplies weight, bias and
        threshold alike, so a neuron does not depend on it.
        """
        return _Quantise.apply(x, self.rule)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        weight, scale = self.integers(x)
        value = weight * scale.detach()
        return value, scale, x.new_zeros(()), x.new_tensor(float(self.rule.bits))


class WeightQuantizer(Int8WeightPerChannelFloat):
    """Symmetric narrow range; largest weight = mean(|w|) + sigma * std(|w|) of each neuron.

    Weights beyond it saturate, so that a few large ones do not coarsen all the others.
    """

    tensor_quant = MeanSigma
    sigma = 3.0


class TernaryWeightQuantizer(WeightQuantizer):
    """-1, 0, +1 with the zero zone of Li et al., "Ternary Weight Networks", 2016: |w| < 0.7 mean(|w|).

    Rounding puts the border at half the scale, and mean + 0.5 std is 1.4 means of a Gaussian's |w|.
    """

    sigma = 0.5


class BinaryWeightQuantizer(WeightQuantizer):
    """Exactly -1 or +1; the scale is the mean magnitude (Rastegari et al., "XNOR-Net", 2016)."""

    sigma = 0.0


def weight_quantizer(weight_bits: int) -> type[Int8WeightPerChannelFloat]:
    """The Brevitas weight quantiser for a width of 1 to 8 bits."""
    return {1: BinaryWeightQuantizer, 2: TernaryWeightQuantizer}.get(weight_bits, WeightQuantizer)


class _Quantise(torch.autograd.Function):
    """Integers and their scale from real-valued weights, straight-through.

    `model/kernels` does the same on the way, where it can.
    """

    @staticmethod
    def forward(ctx, x: Tensor, rule: Rule) -> tuple[Tensor, Tensor]:
        weight = quantised(x, rule)
        q = weight.integers()
        ctx.save_for_backward(x, q, weight.mean, weight.deviation, weight.scale)
        ctx.rule = rule
        return q, weight.scale

    @staticmethod
    def backward(ctx, grad: Tensor, grad_scale: Tensor):
        x, q, mean, std, scale = ctx.saved_tensors
        rule = ctx.rule
        direct = grad if rule.sign else grad / scale
        # d value / d scale = q - x / scale, or q for the sign, which does not depend on the scale.
        by_scale = _row_dot(grad, q) / scale
        if not rule.sign:
            by_scale -= _row_dot(direct, x) / scale
        by_scale = (grad_scale + by_scale) / rule.limit
        # d scale / d x = (sign(x) / n + sigma * (|x| - mean) * sign(x) / ((n - 1) * std)) / limit
        n = x.shape[1]
        spread = by_scale * (rule.sigma / (max(1, n - 1) * std))
        grad_x = torch.addcmul(direct, x, spread)
        return grad_x.addcmul_(x.sign(), by_scale / n - spread * mean), None


def _row_dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner products of the rows of [out, in] twice -> [out, 1]."""
    return torch.bmm(a[:, None], b[..., None])[..., 0]
