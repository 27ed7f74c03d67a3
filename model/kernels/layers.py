"""Dense layers by the kernels of layers.cpp: the events that go in, then weights and neurons in one pass."""

import ctypes

import torch
from torch import Tensor

from ...quant.quantizers import Quantised
from ...quant.spec import NeuronSpec
from .native import call, neuron

# As in common.cpp.
BLOCK = 32
INT16_MAX = 2**15 - 1


class _Quantiser(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("weight", "scale", "mean", "deviation")),
        *((name, ctypes.c_float) for name in ("limit", "sigma")),
        ("sign", ctypes.c_int32),
    )


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("steps", "batch", "inputs", "neurons"))


def addresses_of_steps(when: Tensor, timesteps: int) -> tuple[Tensor, Tensor]:
    """Addresses and starts of `model.inputs.events.Events` for steps uint8 [B, A], contiguous."""
    count = torch.empty(timesteps * len(when), dtype=torch.int64)
    call("step_counts", when, count, timesteps, *when.shape)
    start = torch.cat([count.new_zeros(1), count.cumsum(0)])
    address = torch.empty(int(start[-1]), dtype=torch.int64)
    call("step_addresses", when, start, address, timesteps, *when.shape)
    return address, start


def addresses_of_spikes(spikes: Tensor) -> tuple[Tensor, Tensor]:
    """The same for float32 spikes [places, A], contiguous."""
    start = torch.empty(len(spikes) + 1, dtype=torch.int64)
    # As if every address spiked: memory that is never written to costs nothing.
    address = torch.empty(spikes.numel(), dtype=torch.int64)
    call("spike_addresses", spikes, start, address, *spikes.shape)
    return address[: int(start[-1])].clone(), start


def layer_forward(
    weight: Quantised,
    bias: Tensor,
    threshold: Tensor,
    address: Tensor,
    start: Tensor,
    batch: int,
    spec: NeuronSpec,
) -> tuple[Tensor, Tensor]:
    """Spikes [T, B, N] for weights [N, A], bias and threshold [N] and the events of B images; membranes."""
    neurons, inputs = weight.real.shape
    spikes = torch.empty((len(start) - 1) // batch, batch, neurons)
    # Sums of small integers fit 16 bits: half the memory, twice as many an instruction.
    narrow = weight.rule.limit * inputs <= INT16_MAX and spec.state_bits <= 16
    places = -(-neurons // BLOCK) * BLOCK * spikes.shape[0] * batch
    membranes = torch.empty(places, dtype=torch.int16 if narrow else torch.float32)
    shape = _Shape(*spikes.shape[:2], inputs, neurons)
    call(
        "layer_forward",
        _quantiser(weight),
        bias,
        threshold,
        address,
        start,
        spikes,
        membranes,
        shape,
        neuron(spec),
        int(narrow),
        torch.get_num_threads(),
    )
    return spikes, membranes


def layer_backward(
    weight: Quantised,
    grad: Tensor,
    membranes: Tensor,
    threshold: Tensor,
    steepness: Tensor,
    address: Tensor,
    start: Tensor,
    spec: NeuronSpec,
    *,
    currents: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of real weight [N, A], integer bias [N] and, if wanted, currents [T, B, N].

    `steepness` [N]: (pi * slope)^2 / threshold, see `model.network.lif`.
    """
    by_weight, by_bias = torch.empty_like(weight.real), torch.empty(grad.shape[2])
    current = torch.empty(grad.shape) if currents else None
    shape = _Shape(*grad.shape[:2], weight.real.shape[1], grad.shape[2])
    call(
        "layer_backward",
        _quantiser(weight),
        grad.contiguous(),
        membranes,
        threshold,
        steepness,
        address,
        start,
        by_weight,
        by_bias,
        current,
        shape,
        neuron(spec),
        int(membranes.dtype == torch.int16),
        torch.get_num_threads(),
    )
    return by_weight, by_bias, current


def _quantiser(weight: Quantised) -> _Quantiser:
    given = (weight.real, weight.scale, weight.mean, weight.deviation)
    assert all(x.is_contiguous() for x in given)
    rule = weight.rule
    return _Quantiser(*(x.data_ptr() for x in given), rule.limit, rule.sigma, rule.sign)
