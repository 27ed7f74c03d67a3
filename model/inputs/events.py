"""Input spikes as index lists: a layer's currents cost what its events cost, forward and backward.

Of 784 inputs about 2% spike in a step. The current of a layer is the sum of its events' weight
rows, and the gradient of an input's weights the sum of the currents' gradients where it spiked:
both are sums over index lists, sorted by (step, image) or by address.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from ..kernels import native
from ..kernels.events import addresses_of_bits, addresses_of_steps
from .trains import bits_of


@dataclasses.dataclass(frozen=True, eq=False)
class Events:
    """The spikes of B images in T steps at A addresses; a place is the index step * B + image.

    `address` [E] lists the addresses place after place, place p from `start[p]` to `start[p + 1]`.
    """

    shape: tuple[int, int, int]
    address: Tensor
    start: Tensor

    @functools.cached_property
    def by_address(self) -> tuple[Tensor, Tensor]:
        """The places [E] address after address, and where each address begins [A + 1]."""
        width = self.shape[2]
        place = torch.repeat_interleave(self.start.diff())
        # The sort of 16-bit keys is a radix sort, three times as fast; take() is twice as fast as indexing.
        keys = self.address.short() if width < 2**15 else self.address
        return place.take(torch.argsort(keys, stable=True)), _starts(self.address, width)

    def as_tensor(self) -> Tensor:
        """The same spikes as a float32 tensor [T, B, A] of 0 and 1."""
        steps, batch, width = self.shape
        spikes = torch.zeros(steps * batch, width, device=self.address.device)
        spikes[torch.repeat_interleave(self.start.diff()), self.address] = 1
        return spikes.view(self.shape)

    def per_step(self) -> Tensor:
        """How many spikes each image has in each step: float32 [T, B]."""
        return self.start.diff().float().view(self.shape[:2])

    def weighted(self, values: Tensor) -> Tensor:
        """Sum of values [A] over each image's events in each step: float32 [T, B]."""
        total = torch.zeros(len(self.start) - 1, device=self.address.device)
        place = torch.repeat_interleave(self.start.diff())
        total.index_add_(0, place, values.to(total.device, total.dtype)[self.address.long()])
        return total.view(self.shape[:2])

    def by_weight(self, grad: Tensor) -> Tensor:
        """The gradient [out, A] of the weight for that of the currents [T, B, out]."""
        place, start = self.by_address
        rows = grad.flatten(0, 1).contiguous()
        return embedding_bag(place, rows, start, mode="sum", include_last_offset=True).T.contiguous()

    def currents(self, weight: Tensor, bias: Tensor) -> Tensor:
        """sum of weight[:, a] over the events a, plus bias: [out, A], [out] -> [T, B, out]."""
        return _EventProduct.apply(weight, bias, self)


def events_of_steps(when: Tensor, timesteps: int) -> Events:
    """Events of an encoding with one spike per address: uint8 steps [B, A], silent at `timesteps`."""
    shape = (timesteps, *when.shape)
    if native.usable() and when.device.type == "cpu":
        return Events(shape, *addresses_of_steps(when.contiguous(), timesteps))
    batch, width = when.shape
    image, address = _nonzero(when < timesteps)
    step, order = when.take(image * width + address).sort(stable=True)
    place = step.long().mul_(batch).add_(image.take(order))
    return Events(shape, address.take(order), _starts(place, timesteps * batch))


def events_of_spikes(spikes: Tensor) -> Events:
    """Events of spikes [T, B, A], of any dtype; whatever is not 0 is a spike."""
    if native.usable(spikes):
        return Events(tuple(spikes.shape), *addresses_of_bits(bits_of(spikes)))
    rows = spikes.flatten(0, 1)
    place, address = _nonzero(rows != 0)
    return Events(tuple(spikes.shape), address, _starts(place, len(rows)))


def _starts(index: Tensor, bins: int) -> Tensor:
    """Where each bin's entries begin in a list sorted by bin, and where the last one's end: [bins + 1]."""
    count = torch.bincount(index, minlength=bins)
    return torch.cat([count.new_zeros(1), count.cumsum(0)])


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
        current = embedding_bag(events.address, rows, events.start, mode="sum", include_last_offset=True)
        return current.add_(bias).view(*events.shape[:2], len(bias))

    @staticmethod
    def backward(ctx, grad: Tensor):
        return ctx.events.by_weight(grad), grad.flatten(0, 1).sum(0), None
