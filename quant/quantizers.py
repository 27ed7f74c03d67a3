"""Brevitas weight quantisers of 1 to 8 bits whose value and gradient are one autograd node.

Values and gradients are those of Brevitas's own chain of some forty small nodes (statistics,
scaling, rounding and clamping straight-through), which takes twenty times as long on a CPU;
tests/test_quant_quantizers.py holds them against it.
"""

import torch
from brevitas.quant import Int8WeightPerChannelFloat
from torch import Tensor, nn
from torch.linalg import vector_norm

# Brevitas's own: added to the variance, and the least scale.
EPSILON = 1e-8
LEAST_SCALE = 1e-10


class MeanSigma(nn.Module):
    """Brevitas's `tensor_quant`: x [out, in] -> quantised value, scale [out, 1], zero point, bit width.

    scale = (mean|x| + sigma * std|x|) / limit for each output; 1 bit has the limit 1 and the values
    -1 and +1 alone.
    """

    def __init__(self, bit_width: int, sigma: float):
        super().__init__()
        self.bit_width, self.sigma = bit_width, sigma

    def integers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Integer-valued weight [out, in] = value / scale, and scale [out, 1].

        In the weight's gradient the scale that divides is held fixed: it multiplies weight, bias and
        threshold alike, so a neuron does not depend on it.
        """
        return _Quantise.apply(x, self.bit_width, self.sigma)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        weight, scale = self.integers(x)
        value = weight * scale.detach()
        return value, scale, x.new_zeros(()), x.new_tensor(float(self.bit_width))


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
    """q = round(x / scale) clamped (1 bit: the sign), straight-through."""

    @staticmethod
    def forward(ctx, x: Tensor, bits: int, sigma: float) -> tuple[Tensor, Tensor]:
        limit = max(1, 2 ** (bits - 1) - 1)
        n = x.shape[1]
        mean = vector_norm(x, 1, 1, keepdim=True) / n
        squares = vector_norm(x, 2, 1, keepdim=True).square() - n * mean.square()
        std = (squares.clamp(min=0) / max(1, n - 1) + EPSILON).sqrt()
        scale = ((mean + sigma * std) / limit).clamp(min=LEAST_SCALE)
        sign = bits == 1
        q = (x >= 0).to(x.dtype).mul_(2).sub_(1) if sign else (x / scale).round_().clamp_(-limit, limit)
        ctx.save_for_backward(x, q, mean, std, scale)
        ctx.sign, ctx.sigma, ctx.limit = sign, sigma, limit
        return q, scale

    @staticmethod
    def backward(ctx, grad: Tensor, grad_scale: Tensor):
        x, q, mean, std, scale = ctx.saved_tensors
        direct = grad if ctx.sign else grad / scale
        # d value / d scale = q - x / scale, or q for the sign, which does not depend on the scale.
        by_scale = _row_dot(grad, q) / scale
        if not ctx.sign:
            by_scale -= _row_dot(direct, x) / scale
        by_scale = (grad_scale + by_scale) / ctx.limit
        # d scale / d x = (sign(x) / n + sigma * (|x| - mean) * sign(x) / ((n - 1) * std)) / limit
        n = x.shape[1]
        spread = by_scale * (ctx.sigma / (max(1, n - 1) * std))
        grad_x = torch.addcmul(direct, x, spread)
        return grad_x.addcmul_(x.sign(), by_scale / n - spread * mean), None, None


def _row_dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner products of the rows of [out, in] twice -> [out, 1]."""
    return torch.bmm(a[:, None], b[..., None])[..., 0]
