"""Spikes as lists of events and as bits, by the kernels of events.cpp."""

import ctypes

import torch
from torch import Tensor

from .native import call, library

# As in common.cpp.
BLOCK = 32


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
