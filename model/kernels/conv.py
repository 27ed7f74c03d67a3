"""A convolution and its neurons by the kernels of conv.cpp."""

import ctypes
from typing import NamedTuple

import torch
from torch import Tensor

from ...quant.spec import NeuronSpec
from .events import room_for_bits
from .native import call, neuron


class Given(NamedTuple):
    """Input spikes in one of three forms: [T, B, A], their bits, or addresses and starts of events."""

    rows: Tensor | None = None
    bits: Tensor | None = None
    address: Tensor | None = None
    start: Tensor | None = None


class Window(ctypes.Structure):
    """A convolution's geometry: maps in and out, filters and groups, then pairs of y and x."""

    _fields_ = (
        *(
            (name, ctypes.c_int64)
            for name in ("height", "width", "channels", "rows", "columns", "filters", "groups")
        ),
        *((name, ctypes.c_int64 * 2) for name in ("kernel", "stride", "padding", "dilation")),
    )


def conv_forward(
    window: Window,
    weight: Tensor,
    bias: Tensor,
    threshold: Tensor,
    given: Given,
    shape: tuple[int, int],
    spec: NeuronSpec,
    *,
    hold: bool,
) -> tuple[Tensor, Tensor]:
    """Bits of spikes [T * B, W] for weights [C, kh, kw, F / groups], bias and threshold [N].

    Then membranes [B, T, N]. `shape`: (T, B). Where `hold`, the currents of step 0 count in every step.
    """
    steps, batch = shape
    bits = room_for_bits(steps * batch, len(bias))
    narrow = spec.state_bits <= 16
    membranes = torch.empty(batch, steps, len(bias), dtype=torch.int16 if narrow else torch.float32)
    call(
        "conv_forward",
        window,
        weight,
        bias,
        threshold,
        *given,
        bits,
        membranes,
        steps,
        batch,
        neuron(spec),
        hold,
        narrow,
        torch.get_num_threads(),
    )
    return bits, membranes


def conv_backward(
    window: Window,
    weight: Tensor,
    grad: Tensor,
    threshold: Tensor,
    steepness: Tensor,
    given: Given,
    membranes: Tensor,
    spec: NeuronSpec,
    *,
    hold: bool,
    inputs: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of the weight [C, kh, kw, F / groups], the bias [N] and, if wanted, the inputs [T, B, A].

    Where the layer holds its input, that of all steps but the first is 0.
    """
    steps, batch, neurons = grad.shape
    by_weight, by_bias = torch.empty_like(weight), torch.empty(neurons)
    by_input = None
    if inputs:
        make = torch.zeros if hold else torch.empty
        by_input = make(steps, batch, window.height * window.width * window.channels)
    own = window.filters // window.groups
    seen = weight.view(window.groups, window.channels // window.groups, -1, own)
    call(
        "conv_backward",
        window,
        seen.permute(0, 3, 2, 1).contiguous(),
        grad.contiguous(),
        threshold,
        steepness,
        *given,
        membranes,
        by_weight,
        by_bias,
        by_input,
        steps,
        batch,
        neuron(spec),
        hold,
        membranes.dtype == torch.int16,
        torch.get_num_threads(),
    )
    return by_weight, by_bias, by_input
