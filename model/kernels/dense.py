"""Dense layers by the kernels of dense.cpp and dense_backward.cpp: weights and neurons in one pass."""

import ctypes
import math
from typing import NamedTuple

import torch
from torch import Tensor

from ...quant.quantizers import Quantised
from ...quant.spec import NeuronSpec
from .events import BLOCK, room_for_bits
from .native import call, neuron
from .weights import quantiser

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
