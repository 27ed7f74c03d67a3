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


def room_for_bits(places: int, addresses: int) -> Tensor:
    """Room for the bits of so many places: [places, W] words."""
    return torch.empty(places, -(-addresses // BLOCK), dtype=torch.int32)


def bits_of_spikes(spikes: Tensor) -> Tensor:
    """float32 spikes [places, A], contiguous, as words of BLOCK bits [places, W], first address lowest."""
    bits = room_for_bits(*spikes.shape)
    call("spike_bits", spikes, bits, *spikes.shape)
    return bits


def addresses_of_bits(bits: Tensor) -> tuple[Tensor, Tensor]:
    """Addresses and starts of `model.inputs.events.Events` for bits as above."""
    start = torch.empty(len(bits) + 1, dtype=torch.int64)
    call("bit_counts", bits, start, *bits.shape)
    address = torch.empty(int(start[-1]), dtype=torch.int64)
    call("bit_addresses", bits, address, *bits.shape)
    return address, start


def layer_forward(
    weight: Quantised,
    bias: Tensor,
    threshold: Tensor,
    address: Tensor,
    start: Tensor,
    batch: int,
    spec: NeuronSpec,
    widest: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes [T, B, N] for weights [N, A], bias and threshold [N] and the events of B images; membranes.

    Then the spikes as bits [T * B, W], see `bits_of_spikes`. Membranes and biases have `widest` bits at most.
    """
    neurons, inputs = weight.real.shape
    spikes = torch.empty((len(start) - 1) // batch, batch, neurons)
    bits = room_for_bits(len(start) - 1, neurons)
    # Small integers and their sums fit 16 bits: half the memory, twice as many an instruction.
    narrow = weight.rule.limit * inputs + 2**widest <= INT16_MAX
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
        bits,
        membranes,
        shape,
        neuron(spec),
        int(narrow),
        torch.get_num_threads(),
    )
    return spikes, membranes, bits


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
