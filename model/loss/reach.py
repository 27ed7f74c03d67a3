"""Which state words a convolution's events have reached, counted so that gradients flow to the spikes.

A core sweeps the words that events have reached in a frame (hw/plan/conv.py), so a spike costs more than its
own walk: each word that it alone reaches is swept in its step and in every later one. Counting is a union
over events, which has no useful derivative; here it gets that of the expected union, in which a spike is
worth the words that nobody else reaches: for a spike those that it alone has reached, for a silent input
those that it would be the first to reach.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import torch
from torch import Tensor

from ...hw.plan import UPDATE_LATENCY, LayerPlan
from ...hw.plan.conv import EVENT_CLOCKS
from ..inputs.events import Events


@dataclasses.dataclass(frozen=True, eq=False)
class Reach:
    """What the inputs [A] of a layer reach, counted run by run: inputs that follow each other and reach the
    same words, mostly the channels of one place.

    `run` int64 [A]: the run of each input, of K. `visits` float [K, V]: 1 where a run's inputs reach the
    words of a kind, of V, those that the same inputs reach; `words` float [V]: how many of these there are.
    Clocks float [K] that an event waits for words that are still being written: `again` behind another of its
    run in the same step, `near` if it is the first of its run, behind one of the run before.
    """

    run: Tensor
    visits: Tensor
    words: Tensor
    again: Tensor
    near: Tensor

    def clocks(self, spikes: Tensor | Events) -> tuple[Tensor, Tensor]:
        """Of spikes [T, B, A]: clocks of waiting in each step, and words reached up to it, [T, B] each."""
        reach = self.on(spikes.start.device if isinstance(spikes, Events) else spikes.device)
        count = counted(spikes, reach.run, len(reach.again))
        if isinstance(spikes, Events) or not spikes.requires_grad:
            _, waited, swept = reach.union(count)
            return waited, swept
        return _Union.apply(spikes, count.detach(), reach)

    def on(self, device: torch.device) -> Reach:
        """The same on a device."""
        if self.run.device == device:
            return self
        return Reach(*(getattr(self, field.name).to(device) for field in dataclasses.fields(self)))

    def union(self, count: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of events [T, B, K] of each run: events that have reached the words [T, B, V]; see `clocks`."""
        came, some = count.cumsum(0) @ self.visits, (count > 0).to(count)
        waited = (count - some) @ self.again + (some[..., 1:] * some[..., :-1]) @ self.near[1:]
        return came, waited, (came > 0).to(count) @ self.words


class _Union(torch.autograd.Function):
    @staticmethod
    def forward(ctx, spikes, count, reach):
        came, waited, swept = reach.union(count)
        ctx.save_for_backward(spikes, count, came)
        ctx.reach = reach
        return waited, swept

    @staticmethod
    def backward(ctx, by_wait: Tensor, by_word: Tensor):
        spikes, count, came = ctx.saved_tensors
        reach, some = ctx.reach, (count > 0).to(count)
        # What a run's first event adds to the waiting beside what every event adds.
        first = torch.zeros_like(count) - reach.again
        first[..., 1:] += reach.near[1:] * some[..., :-1]
        first[..., :-1] += reach.near[1:] * some[..., 1:]

        def worth(others: float) -> Tensor:
            """To every run's inputs [T, B, K], where so many events of the words or the run are enough."""
            words = (came == others).to(count) * (by_word[..., None] * reach.words)
            later = words.flip(0).cumsum(0).flip(0)  # a word reached is swept in all later steps
            waits = reach.again + first * (count == others)
            return later @ reach.visits.T + by_wait[..., None] * waits

        silent, firing = worth(0).index_select(2, reach.run), worth(1).index_select(2, reach.run)
        return torch.where(spikes > 0, firing, silent), None, None


def counted(spikes: Tensor | Events, run: Tensor, runs: int) -> Tensor:
    """Events [T, B, runs] of each run, of spikes [T, B, A] whose addresses are of runs [A]."""
    if isinstance(spikes, Events):
        steps, batch, _ = spikes.shape
        place = torch.repeat_interleave(spikes.start.diff())
        total = torch.zeros(steps * batch * runs, device=place.device)
        found = place * runs + run[spikes.address.long()]
        total.index_add_(0, found, total.new_ones(1).expand(len(found)))
        return total.view(steps, batch, runs)
    total = torch.zeros(*spikes.shape[:2], runs, device=spikes.device, dtype=spikes.dtype)
    return total.index_add_(2, run, spikes)


def reach_of(plan: LayerPlan, least: int = EVENT_CLOCKS) -> Reach:
    """What a layer's inputs reach, of which an event takes `least` clocks or more; where it sweeps every word
    at each TICK, only what they wait for."""
    visited = [[visit.state_word for visit in plan.visits(int(a))] for a in addresses(plan)]
    runs, run = [visited[0]], []
    for words in visited:
        if words != runs[-1]:
            runs.append(words)
        run.append(len(runs) - 1)
    reached = np.zeros((len(runs), plan.words), np.float32)
    for row, words in zip(reached, runs, strict=True):
        row[words] = 1
    visits, count = np.unique(reached, axis=1, return_counts=True)
    some = visits.any(axis=0) & plan.sweeps_reached
    near = [0, *(_wait(before, words, least) for before, words in itertools.pairwise(runs))]
    return Reach(
        torch.tensor(run),
        torch.from_numpy(visits[:, some]),
        torch.from_numpy(count[some].astype(np.float32)),
        torch.tensor([_wait(words, words, least) for words in runs], dtype=torch.float32),
        torch.tensor(near, dtype=torch.float32),
    )


def _wait(before: list[int], words: list[int], least: int) -> int:
    """Clocks by which the last of an event's pairs is late behind another event, `least` clocks earlier.

    A pair goes out each clock, and 3 clocks after the last one of its word; see hw/predict/conv_cycles.py.
    """
    clear = {word: clock + UPDATE_LATENCY for clock, word in enumerate(before, 1)}
    begin = clock = max(len(before), least)
    for word in words:
        clock = max(clock + 1, clear.get(word, 0))
    return clock - begin - len(words)


def addresses(plan: LayerPlan) -> np.ndarray:
    """The address at which each of a layer's inputs arrives, int64 [inputs]."""
    found = np.arange(plan.layer.inputs)
    if plan.arrivals is not None:
        real = np.flatnonzero(plan.arrivals >= 0)
        found[plan.arrivals[real]] = real
    return found
