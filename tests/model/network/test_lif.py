"""LIF in torch: integer-exact forward against numpy's step, and the hand-written gradient."""

import itertools
import math

import numpy as np
import pytest
import torch

from twinspike.model.network.lif import Lif, lif
from twinspike.numerics import lif as reference
from twinspike.quant.spec import NeuronSpec

CASES = list(itertools.product((0, 1, 3, None), ("subtract", "zero"), (False, True), (5, 12)))


def spec_of(case) -> NeuronSpec:
    leak_shift, reset, single_spike, state_bits = case
    return NeuronSpec(4, leak_shift or 0, reset, single_spike, state_bits, forget=leak_shift is None)


def numpy_spikes(current: np.ndarray, threshold: np.ndarray, spec: NeuronSpec) -> np.ndarray:
    v = np.zeros(current.shape[1:], dtype=np.int64)
    fired = np.zeros(v.shape, dtype=bool)
    out = []
    for now in current:
        v, fired, spikes = reference.step(
            v,
            fired,
            now,
            np.zeros_like(threshold),
            threshold,
            leak_shift=spec.leak_shift,
            reset=spec.reset,
            single_spike=spec.single_spike,
            state_bits=spec.state_bits,
            forget=spec.forget,
        )
        out.append(spikes)
    return np.stack(out)


@pytest.mark.parametrize("case", CASES)
def test_forward_is_the_integer_rule(case):
    spec, rng = spec_of(case), np.random.default_rng(7)
    current = rng.integers(-20, 21, size=(12, 40, 30))
    threshold = rng.integers(1, 12, size=30)
    expected = numpy_spikes(current, threshold, spec)
    got = Lif(spec)(torch.tensor(current, dtype=torch.float32), torch.tensor(threshold, dtype=torch.float32))
    assert expected.any() and not expected.all()
    assert np.array_equal(got.numpy() == 1, expected) and set(got.unique().tolist()) == {0.0, 1.0}


def test_membranes_of_24_bits_stay_exact():
    spec = NeuronSpec(8, 5, "subtract", False, 24)
    rng = np.random.default_rng(1)
    current = rng.integers(-(2**22), 2**22, size=(20, 8, 50))
    threshold = rng.integers(2**20, 2**22, size=50)
    got = lif(torch.tensor(current, dtype=torch.float32), torch.tensor(threshold, dtype=torch.float32), spec)
    assert np.array_equal(got.numpy() == 1, numpy_spikes(current, threshold, spec))


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, threshold, slope):
        ctx.save_for_backward(u, threshold)
        ctx.slope = slope
        return (u >= threshold).to(u.dtype)

    @staticmethod
    def backward(ctx, grad):
        u, threshold = ctx.saved_tensors
        z = (u - threshold) / threshold
        return grad / (1 + (math.pi * ctx.slope * z) ** 2) / threshold, None, None


def step_by_step(current: torch.Tensor, threshold: torch.Tensor, spec: NeuronSpec, slope: float):
    """The same population with autograd doing the work, one node an operation."""
    low, high = reference.state_range(spec.state_bits)
    v = torch.zeros_like(current[0])
    fired = torch.zeros_like(v)
    out = []
    for now in current:
        if spec.forget:
            v = v * 0
        elif spec.leak_shift:
            shifted = v * 2.0**-spec.leak_shift
            v = v - (shifted + (shifted.floor() - shifted).detach())
        u = v + now
        # clamp passes no gradient at or beyond its limits
        inside = (u > low) & (u < high)
        u = torch.where(inside, u, u.clamp(low, high).detach())
        spikes = _Spike.apply(u, threshold, slope)
        if spec.single_spike:
            spikes = spikes * (1 - fired)
            fired = torch.maximum(fired, spikes.detach())
        v = u - threshold * spikes.detach() if spec.reset == "subtract" else u * (1 - spikes.detach())
        out.append(spikes)
    return torch.stack(out)


@pytest.mark.parametrize("case", CASES)
def test_gradient_is_that_of_the_steps(case):
    spec = spec_of(case)
    generator = torch.Generator().manual_seed(3)
    current = torch.randint(-15, 16, (9, 6, 11), generator=generator).double()
    threshold = torch.randint(1, 9, (11,), generator=generator).double()
    weights = torch.randn(current.shape, generator=generator, dtype=torch.float64)
    gradients = []
    for population in (lif, step_by_step):
        x = current.clone().requires_grad_()
        (population(x, threshold, spec, 1.5) * weights).sum().backward()
        gradients.append(x.grad)
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(*gradients)
