"""Input spikes as index lists: a layer's currents cost what its events cost, forward and backward.

Of 784 inputs about 2% spike in a step. The current of a layer is the sum of its events' weight
rows, and the gradient of an input's weights the sum of the currents' gradients where it spiked:
both are sums over index lists, so events are kept sorted by (step, image) and by address.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


@dataclasses.dataclass(frozen=True, eq=False)
class Events:
    """The spikes of B images in T steps at A addresses; a place is the index step * B + image.

    `address` [E] lists the addresses place after place, place p from `place_start[p]` on;
    `place` [E] lists the places address after address, address a from `address_start[a]` on.
    """

    shape: tuple[int, int, int]
    address: Tensor
    place_start: Tensor
    place: Tensor
    address_start: Tensor

    def dense(self) -> Tensor:
        """The same spikes as a float32 tensor [T, B, A] of 0 and 1."""
        steps, batch, width = self.shape
        spikes = torch.zeros(width, steps * batch, device=self.place.device)
        ends = torch.cat([self.address_start[1:], self.address_start.new_tensor([len(self.place)])])
        address = torch.repeat_interleave(torch.arange(width), ends - self.address_start)
        spikes[address, self.place] = 1
        return spikes.T.reshape(self.shape)

    def per_step(self) -> Tensor:
        """How many spikes each image has in each step: float32 [T, B]."""
        ends = torch.cat([self.place_start[1:], self.place_start.new_tensor([len(self.address)])])
        return (ends - self.place_start).float().view(self.shape[:2])

    def currents(self, weight: Tensor, bias: Tensor) -> Tensor:
        """sum of weight[:, a] over the events a, plus bias: [out, A], [out] -> [T, B, out]."""
        return _EventProduct.apply(weight, bias, self)


def events_of_steps(when: Tensor, timesteps: int) -> Events:
    """Events of a coding with one spike an address: uint8 steps [B, A], silent at `timesteps`."""
    batch, width = when.shape
    image, address = _nonzero(when < timesteps)
    # Everywhere here: take() is twice as fast as indexing.
    step, order = when.take(image * width + address).sort(stable=True)
    place = step.long().mul_(batch).add_(image.take(order))
    return _sorted((timesteps, batch, width), place, address.take(order))


def events_of_spikes(spikes: Tensor) -> Events:
    """Events of spikes [T, B, A], of any dtype; whatever is not 0 is a spike."""
    return _sorted(tuple(spikes.shape), *_nonzero(spikes.flatten(0, 1) != 0))


def _sorted(shape: tuple[int, int, int], place: Tensor, address: Tensor) -> Events:
    """Events from their places, ascending, and addresses."""
    steps, batch, width = shape
    # The sort of 16-bit keys is a radix sort, three times as fast.
    keys = address.short() if width < 2**15 else address
    by_address = place.take(torch.argsort(keys, stable=True))
    return Events(shape, address, _starts(place, steps * batch), by_address, _starts(address, width))


def _starts(index: Tensor, bins: int) -> Tensor:
    """Where each bin's entries begin in a list sorted by bin."""
    count = torch.bincount(index, minlength=bins)
    return count.cumsum(0) - count


def _nonzero(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns where a mask [rows, columns] is true, row after row."""
    if mask.device.type != "cpu":
        return mask.nonzero().unbind(1)
    # numpy finds them several times as quickly as torch, and counting rows spares slow divisions.
    spot = torch.from_numpy(np.flatnonzero(mask.numpy()))
    row = torch.repeat_interleave(mask.sum(1))
    return row, spot.sub_(row * mask.shape[1])


class _EventProduct(torch.autograd.Function):
    """The dense product's value and gradient, as sums over the events alone."""

    @staticmethod
    def forward(ctx, weight: Tensor, bias: Tensor, events: Events) -> Tensor:
        ctx.events = events
        rows = weight.T.contiguous()
        current = embedding_bag(events.address, rows, events.place_start, mode="sum")
        return current.add_(bias).view(*events.shape[:2], len(bias))

    @staticmethod
    def backward(ctx, grad: Tensor):
        rows = grad.flatten(0, 1).contiguous()
        by_address = embedding_bag(ctx.events.place, rows, ctx.events.address_start, mode="sum")
        return by_address.T.contiguous(), rows.sum(0), None
