"""Neurons that given currents drive, by the kernels of lif.cpp."""

import torch
from torch import Tensor

from ...quant.spec import NeuronSpec
from .events import room_for_bits
from .native import call, neuron


def lif_forward(
    current: Tensor, bias: Tensor, threshold: Tensor, spec: NeuronSpec, steps: int
) -> tuple[Tensor, Tensor]:
    """Bits of spikes [T * B, W] for currents [T, B, N], or [1, B, N] that count in all T steps, and bias [N].

    Also membranes [B, T, N].
    """
    _, batch, neurons = current.shape
    narrow = spec.state_bits <= 16
    membranes = torch.empty(batch, steps, neurons, dtype=torch.int16 if narrow else torch.float32)
    rest = (steps, batch, neurons, neuron(spec), len(current) < steps, narrow, torch.get_num_threads())
    bits = room_for_bits(steps * batch, neurons)
    call("lif_forward", current, bias, threshold, bits, membranes, *rest)
    return bits, membranes


def lif_backward(
    grad: Tensor, threshold: Tensor, steepness: Tensor, membranes: Tensor, spec: NeuronSpec, *, hold: bool
) -> Tensor:
    """Gradient of the currents [T, B, N], or where they are held [1, B, N], from that of the spikes."""
    steps, batch, neurons = grad.shape
    current = torch.empty(1 if hold else steps, batch, neurons)
    narrow = membranes.dtype == torch.int16
    rest = (steps, batch, neurons, neuron(spec), hold, narrow, torch.get_num_threads())
    call("lif_backward", grad.contiguous(), threshold, steepness, membranes, current, *rest)
    return current
