"""Training in several processes, on one machine or more, as torchrun starts them.

A loss over all pairs needs the whole batch. So every process computes the spikes of its share of
the batch, takes the others' as they are, and evaluates the loss of all of it; gradients flow through
its own share alone. The sum of the processes' gradients is then the gradient of the whole batch,
whatever the loss; DistributedDataParallel takes their mean, hence the factor in `backward`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ...numerics.errors import out_of_range


@dataclasses.dataclass(frozen=True)
class Ranks:
    """This process's place among `world` of them; one alone needs no process group."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files and shows progress."""
        return self.rank == 0

    def device(self) -> torch.device:
        """The GPU of this process if there are any, else the CPU."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))

    def share(self, batch: int) -> slice:
        """Which examples of a batch are this process's; raises TwinspikeError if they cannot be shared."""
        if batch % self.world:
            allowed = f"a multiple of the {self.world} processes, not above the training images"
            raise out_of_range("training.batch_size", batch, allowed)
        own = batch // self.world
        return slice(self.rank * own, (self.rank + 1) * own)

    def parallel(self, network: nn.Module) -> nn.Module:
        """`network` such that its gradients are averaged over the processes as they are computed."""
        return network if self.world == 1 else DistributedDataParallel(network)

    def whole(self, own: Tensor, sent_as: torch.dtype = torch.uint8) -> Tensor:
        """Spikes or counts [T, B / world, N] -> those of the whole batch, own ones with their gradient.

        They travel as `sent_as`, which must hold them.
        """
        if self.world == 1:
            return own
        sent = own.detach().to(sent_as)
        parts = [torch.empty_like(sent) for _ in range(self.world)]
        distributed.all_gather(parts, sent)
        return torch.cat([own if r == self.rank else p.to(own) for r, p in enumerate(parts)], 1)

    def backward(self, loss: Tensor) -> None:
        """Gradients of the whole batch's loss, of which every process has the same value."""
        (loss * self.world).backward()

    def any(self, mine: bool) -> bool:
        """Whether any process says so."""
        if self.world == 1:
            return mine
        flag = torch.tensor(int(mine), device=self.device())
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag)

    def of_first(self, value: Any) -> Any:
        """What the first process passes, on every process."""
        if self.world == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, device=self.device())
        return box[0]


@contextlib.contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """Join the processes that torchrun started (gloo on CPUs, nccl on GPUs); alone without torchrun."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Ranks()
        return
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(Ranks().device())
    distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
