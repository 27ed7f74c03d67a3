"""Dense layers by the kernels of layers.cpp: the events that go in, then weights and neurons in one pass."""

import ctypes
import math
from typing import NamedTuple

import torch
from torch import Tensor

from ...quant.quantizers import Quantised
from ...quant.spec import NeuronSpec
from .native import call, library, neuron
from .weights import quantiser

# As in common.cpp.
BLOCK = 32
INT16_MAX = 2**15 - 1


class _Events(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("address", "start", "bits")),
        ("words", ctypes.c_int64),
    )


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("steps", "batch", "inputs", "neurons"))


class Seen(NamedTuple):
    """Input spikes of `shape` (T, B): addresses and starts of events, or else bits [T * B, W]."""

    shape: tuple[int, int]
    address: Tensor | None = None
    start: Tensor | None = None
    bits: Tensor | None = None


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


def write_spikes(bits: Tensor, spikes: Tensor) -> None:
    """The other way round: 0 or 1 into all of float32 spikes [places, A], contiguous."""
    call("write_spikes", bits, spikes, *spikes.shape, torch.get_num_threads())


def set_bits(bits: Tensor) -> int:
    """How many spikes bits [places, W] stand for."""
    kernels = library()
    assert kernels is not None and bits.is_contiguous()
    kernels.set_bits.restype = ctypes.c_int64
    return kernels.set_bits(ctypes.c_void_p(bits.data_ptr()), ctypes.c_int64(bits.numel()))


def addresses_of_bits(bits: Tensor) -> tuple[Tensor, Tensor]:
    """Addresses and starts of `model.inputs.events.Events` for bits as above."""
    start = torch.empty(len(bits) + 1, dtype=torch.int64)
    call("bit_counts", bits, start, *bits.shape)
    address = torch.empty(int(start[-1]), dtype=torch.int64)
    call("bit_addresses", bits, address, *bits.shape)
    return address, start


def layer_forward(
    weight: Quantised, bias: Tensor, threshold: Tensor, seen: Seen, spec: NeuronSpec, widest: int
) -> tuple[Tensor, Tensor]:
    """Bits of spikes [T * B, W] for weights [N, A], bias and threshold [N] and the spikes seen; membranes.

    Membranes and biases have `widest` bits at most.
    """
    neurons, inputs = weight.real.shape
    steps, batch = seen.shape
    bits = room_for_bits(steps * batch, neurons)
    # Small integers and their sums fit 16 bits: half the memory, twice as many an instruction.
    narrow = weight.rule.limit * inputs + 2**widest <= INT16_MAX
    places = -(-neurons // BLOCK) * BLOCK * steps * batch
    membranes = torch.empty(places, dtype=torch.int16 if narrow else torch.float32)
    call(
        "layer_forward",
        quantiser(weight),
        bias,
        threshold,
        _events(seen),
        bits,
        membranes,
        _Shape(steps, batch, inputs, neurons),
        neuron(spec),
        int(narrow),
        torch.get_num_threads(),
    )
    return bits, membranes


def layer_backward(
    weight: Quantised,
    grad: Tensor | None,
    later: tuple[Tensor, Quantised] | None,
    membranes: Tensor,
    threshold: Tensor,
    slope: float,
    seen: Seen,
    spec: NeuronSpec,
    *,
    currents: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of real weight [N, A], integer bias [N] and, if wanted, currents [T, B, N].

    From that of the spikes [T, B, N], and from `later`: that of the currents [T, B, M] of the layer behind,
    with its weights [M, N]. `slope`: see `model.network.lif`.
    """
    (steps, batch), (neurons, inputs) = seen.shape, weight.real.shape
    common = 0.0
    if grad is not None and not any(grad.stride()):  # one number for all spikes
        common, grad = grad.flatten()[0].item(), None
    by_weight, by_bias = torch.empty_like(weight.real), torch.empty(neurons)
    current = torch.empty(steps, batch, neurons) if currents else None
    behind, its_weight = (None, weight) if later is None else later
    call(
        "layer_backward",
        quantiser(weight),
        None if grad is None else grad.contiguous(),
        ctypes.c_float(common),
        behind,
        quantiser(its_weight),
        len(its_weight.real),
        membranes,
        threshold,
        ctypes.c_float((math.pi * slope) ** 2),
        _events(seen),
        by_weight,
        by_bias,
        current,
        _Shape(steps, batch, inputs, neurons),
        neuron(spec),
        int(membranes.dtype == torch.int16),
        torch.get_num_threads(),
    )
    return by_weight, by_bias, current


def _events(seen: Seen) -> _Events:
    given = (seen.address, seen.start, seen.bits)
    assert all(x is None or x.is_contiguous() for x in given)
    words = 0 if seen.bits is None else seen.bits.shape[1]
    return _Events(*(None if x is None else x.data_ptr() for x in given), words)
