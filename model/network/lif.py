"""Leaky integrate-and-fire neurons in torch: integer arithmetic on floats, with a surrogate gradient.

The forward pass is the integer rule of :mod:`twinspike.numerics.lif`, computed on integer-valued
floats (exact below 2^24), in training and in evaluation alike. The backward pass replaces the
spike's step function by the ATan surrogate (Fang et al., "Incorporating Learnable Membrane Time
Constant", ICCV 2021)

    ds/du = 1 / (1 + (pi * slope * z)^2) / threshold    with z = (u - threshold) / threshold

takes the shift's floor as the identity (straight-through), and passes no gradient where the
membrane is clamped.
"""

import math

import torch
from torch import Tensor, nn

from ...numerics.lif import state_range
from ...quant.layers.base import Standing
from ...quant.spec import NeuronSpec

# Elements of an array that is worked on several times in a row: 256 KiB of float32.
IN_CACHE = 1 << 16


class _Lif(torch.autograd.Function):
    """All T steps in one node. Each step's arrays [B, N] stay in the cache while they are worked on."""

    @staticmethod
    def forward(ctx, current: Tensor, threshold: Tensor, spec: NeuronSpec, slope: float) -> Tensor:
        low, high = state_range(spec.state_bits)
        spikes, membranes = torch.empty_like(current), torch.empty_like(current)
        v = torch.zeros_like(current[0])
        silent = torch.ones_like(v) if spec.single_spike else None
        lost = torch.empty_like(v)
        for now, u, fires in zip(current, membranes, spikes, strict=True):
            if spec.forget:
                v.zero_()
            elif spec.leak_shift:
                v.sub_(torch.mul(v, 2.0**-spec.leak_shift, out=lost).floor_())
            torch.clamp(v.add_(now), low, high, out=u)
            torch.ge(u, threshold, out=fires)
            if silent is not None:
                fires.mul_(silent)
                silent.sub_(fires)
            if spec.reset == "subtract":
                torch.addcmul(u, fires, threshold, value=-1, out=v)
            else:
                torch.addcmul(u, fires, u, value=-1, out=v)
        ctx.save_for_backward(spikes, membranes, threshold)
        ctx.spec, ctx.slope = spec, slope
        return spikes

    @staticmethod
    def backward(ctx, grad_spikes: Tensor):
        spikes, membranes, threshold = ctx.saved_tensors
        spec = ctx.spec
        low, high = state_range(spec.state_bits)
        lowest, highest = membranes.aminmax()
        below, above = bool(lowest <= low), bool(highest >= high)
        already = torch.cumsum(spikes, 0).sub_(spikes) if spec.single_spike else None
        # What the next step's membrane keeps of this one's; the reset itself is no path for the gradient
        # (Zenke & Ganguli, "SuperSpike", 2018).
        carry = 0.0 if spec.forget else 1 - 2.0**-spec.leak_shift if spec.leak_shift else 1.0
        grad_current = torch.empty_like(membranes)
        later = None
        steps = max(1, IN_CACHE // membranes[0].numel())
        for first in reversed(range(0, len(membranes), steps)):
            part = slice(first, first + steps)
            u, grad = membranes[part], grad_current[part]
            # threshold * (1 + (pi * slope * z)^2), the surrogate's inverse
            torch.sub(u, threshold, out=grad).square_()
            torch.addcmul(threshold, grad, (math.pi * ctx.slope) ** 2 / threshold, out=grad)
            torch.div(grad_spikes[part], grad, out=grad)
            if already is not None:
                grad.mul_(1 - already[part])
            inside = []
            if below:
                inside.append(torch.gt(u, low, out=torch.empty_like(u)))
            if above:
                inside.append(torch.lt(u, high, out=torch.empty_like(u)))
            for t in reversed(range(len(grad))):
                if later is not None:
                    kept = later if spec.reset == "subtract" else later * (1 - spikes[first + t])
                    grad[t].add_(kept, alpha=carry)
                for mask in inside:
                    grad[t].mul_(mask[t])
                later = grad[t]
        return grad_current, None, None, None


def lif(current: Tensor, threshold: Tensor, spec: NeuronSpec, slope: float = 1.0) -> Tensor:
    """Spikes [T, B, N] of a population driven by integer currents [T, B, N] (bias included).

    `threshold` [N] is integer-valued and gets no gradient: in :mod:`twinspike.quant.layers.dense` it
    follows from the weights' scale. `slope` narrows (> 1) or widens (< 1) the surrogate.
    """
    return _Lif.apply(current, threshold, spec, slope)


def membranes(current: Tensor, spec: NeuronSpec) -> Tensor:
    """Membranes u [T, B, N] of a population that never fires, driven by integer currents [T, B, N].

    The gradient takes the leak's floor as the identity, as that of :func:`lif`.
    """
    low, high = state_range(spec.state_bits)
    v, found = torch.zeros_like(current[0]), []
    for now in current:
        kept = torch.zeros_like(v) if spec.forget else v
        if spec.leak_shift and not spec.forget:
            lost = v * 2.0**-spec.leak_shift
            kept = Standing.apply(v - lost, v - lost.floor())
        v = (kept + now).clamp(low, high)
        found.append(v)
    return torch.stack(found)


class Lif(nn.Module):
    """A population of neurons that all behave as `spec` says; holds no parameters."""

    def __init__(self, spec: NeuronSpec, slope: float = 1.0):
        super().__init__()
        self.spec = spec
        self.slope = slope

    def forward(self, current: Tensor, threshold: Tensor) -> Tensor:
        return lif(current, threshold, self.spec, self.slope)
