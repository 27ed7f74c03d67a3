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
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..numerics.lif import state_range
from ..quant.network import NeuronSpec


class State(NamedTuple):
    """Membranes [B, N] (integer-valued) and which neurons have fired in this frame (0/1)."""

    v: Tensor
    fired: Tensor


class Step(NamedTuple):
    """What one step gives: spikes (0/1), the membrane `u` at the comparison, and the next state."""

    spikes: Tensor
    u: Tensor
    state: State


def initial_state(current: Tensor) -> State:
    """The state before the first step of a frame, for currents [B, N]."""
    return State(torch.zeros_like(current), torch.zeros_like(current))


def leak(v: Tensor, leak_shift: int) -> Tensor:
    """v - (v >> leak_shift), the arithmetic shift being a floor; no leak at 0."""
    return v if leak_shift == 0 else v - torch.floor(v * 2.0**-leak_shift)


def step(state: State, current: Tensor, threshold: Tensor, spec: NeuronSpec) -> Step:
    """Advance [B, N] membranes by one step; `current` includes the bias. No gradient: see :func:`lif`."""
    low, high = state_range(spec.state_bits)
    u = (leak(state.v, spec.leak_shift) + current).clamp_(low, high)
    spikes = (u >= threshold).to(u.dtype)
    if spec.single_spike:
        spikes = spikes * (1 - state.fired)
    v = u - threshold * spikes if spec.reset == "subtract" else u * (1 - spikes)
    fired = torch.maximum(state.fired, spikes) if spec.single_spike else state.fired
    return Step(spikes, u, State(v, fired))


class _Lif(torch.autograd.Function):
    """All T steps in one node: five times fewer autograd nodes than a step at a time, same gradient."""

    @staticmethod
    def forward(ctx, current: Tensor, threshold: Tensor, spec: NeuronSpec, slope: float) -> Tensor:
        state = initial_state(current[0])
        spikes, membranes = torch.empty_like(current), torch.empty_like(current)
        for t in range(len(current)):
            spikes[t], membranes[t], state = step(state, current[t], threshold, spec)
        low, high = state_range(spec.state_bits)
        lowest, highest = membranes.aminmax()
        ctx.clamped = lowest.item() <= low or highest.item() >= high
        ctx.save_for_backward(spikes, membranes, threshold)
        ctx.spec, ctx.slope = spec, slope
        return spikes

    @staticmethod
    def backward(ctx, grad_spikes: Tensor):
        spikes, u, threshold = ctx.saved_tensors
        spec = ctx.spec
        z = (u / threshold).sub_(1)
        grad_u = grad_spikes / z.mul_(math.pi * ctx.slope).square_().add_(1).mul_(threshold)
        if spec.single_spike:
            already = torch.cumsum(spikes, 0) - spikes
            grad_u *= 1 - already
        inside = None
        if ctx.clamped:
            low, high = state_range(spec.state_bits)
            inside = ((u > low) & (u < high)).to(u.dtype)
        # The reset itself is no path for the gradient (Zenke & Ganguli, "SuperSpike", 2018).
        carry = 1 - 2.0**-spec.leak_shift if spec.leak_shift else 1.0
        keep = (1 - spikes) if spec.reset == "zero" else None
        grad_v = torch.zeros_like(u[0])
        for t in reversed(range(len(u))):
            grad_u[t] += grad_v if keep is None else grad_v * keep[t]
            if inside is not None:
                grad_u[t] *= inside[t]
            grad_v = grad_u[t] * carry
        return grad_u, None, None, None


def lif(current: Tensor, threshold: Tensor, spec: NeuronSpec, slope: float = 1.0) -> Tensor:
    """Spikes [T, B, N] of a population driven by integer currents [T, B, N] (bias included).

    `threshold` [N] is integer-valued and gets no gradient: in :mod:`twinspike.quant.layers` it
    follows from the weights' scale. `slope` narrows (> 1) or widens (< 1) the surrogate.
    """
    return _Lif.apply(current, threshold, spec, slope)


class Lif(nn.Module):
    """A population of neurons that all behave as `spec` says; holds no parameters."""

    def __init__(self, spec: NeuronSpec, slope: float = 1.0):
        super().__init__()
        self.spec = spec
        self.slope = slope

    def forward(self, current: Tensor, threshold: Tensor) -> Tensor:
        return lif(current, threshold, self.spec, self.slope)
