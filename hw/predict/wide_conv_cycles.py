"""Clocks of the convolutions of a wide core that nothing stalls from outside; see hw/predict/wide_cycles.py.

For a layer whose R rows a sweep visits, and whose rows of spikes wait in a queue of 16:

    port         an event leaves the skid buffer once the table behind it has room, 2 clocks before the layer
                 may take it; at once where no table is needed
    event taken  = max(offered, event before + 1, TICK before + R + 3, later by what its sweep waited)
    row's turn   = max(TICK taken + 1, row before + 1), and there must be room: of the rows before fewer than
                 16 are neither dropped nor taken from the queue
    its spikes   = turn + 5; a row without any is dropped at turn + 6, unless it is the last one; others may
                 be taken by the encoder at turn + 7, once the row before has been left
    encoder      a bank with spikes leaves the row in each clock, from 1 clock after it was taken, when the
                 bank before has been emitted; its spikes are offered from a clock later on, one per clock,
                 and a TICK behind the step's last row
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Protocol

import numpy as np

from ..plan import CorePlan
from ..plan.wide_conv import QUEUE_LATENCY, QUEUE_WORDS, ROW_LATENCY, SETTLE, WideConvPlan
from .stations import Sink


class Consumer(Protocol):
    """A station behind an encoder."""

    def take(self, offered: int, tick: bool) -> int:
        """The clock in which an event or TICK that is offered from `offered` on is taken."""
        ...


class MapLayer:
    """A convolution with its queue and its encoder; `spikes` bool [T, B, N] is what it sends."""

    def __init__(self, plan: WideConvPlan, spikes: np.ndarray, consumer: Consumer) -> None:
        self._steps = _bank_counts(plan, spikes)
        self._consumer = consumer
        self._rows = len(plan.sweep)
        self._free = self._rows + SETTLE - 1  # the quiet sweep after reset begins in clock 0
        self._begun = 0
        self._gone: list[int] = []  # clocks in which rows made room
        self._row_left = self._bank_left = -1

    def take(self, offered: int, tick: bool) -> int:
        taken = max(offered, self._free)
        self._free = taken + 1
        if tick:
            self._free = self._sweep(taken) + SETTLE
        return taken

    def _sweep(self, tick: int) -> int:
        """Sends a step's spikes; returns the turn of the last row."""
        turn = tick
        for index, banks in enumerate(next(self._steps)):
            turn = max(turn + 1, heappop(self._gone) + 1 if self._begun >= QUEUE_WORDS else 0)
            self._begun += 1
            end = index == self._rows - 1
            items = [count for count in banks if count] + ([0] if end else [])
            made_room = self._encode(turn, items) if items else turn + ROW_LATENCY + 1
            heappush(self._gone, made_room)
        return turn

    def _encode(self, turn: int, items: list[int]) -> int:
        """Emits a row's banks, 0 for the TICK; returns when the row left the queue."""
        loaded = max(turn + ROW_LATENCY + QUEUE_LATENCY, self._row_left)
        left = loaded
        for count in items:
            left = max(left + 1, self._bank_left)
            taken = left
            for _ in range(count):
                taken = self._consumer.take(taken + 1, False)
            if not count:
                taken = self._consumer.take(taken + 1, True)
            self._bank_left = taken
        self._row_left = left
        return loaded


class MapPort(Sink):
    """The skid buffer at the port, and the table of places behind it where there is one."""

    def __init__(self, plan: CorePlan, layer: MapLayer) -> None:
        super().__init__()
        self._layer = layer
        self._table = plan.wide_maps[0].seen.table is not None
        self._read_left = self._out_left = -1  # the table's two stages

    def accept(self, entered: int, address: int | None) -> None:
        self.taken_before = self.taken
        offered = max(entered + 1, self.taken + 1)
        if not self._table:
            self.taken = self._layer.take(offered, address is None)
            return
        self.taken = max(offered, self._read_left)
        self._read_left = max(self.taken + 1, self._out_left)
        self._out_left = self._layer.take(self._read_left + 1, address is None)


def _bank_counts(plan: WideConvPlan, spikes: np.ndarray) -> Iterator[list[list[int]]]:
    """Spikes in each bank of each row of a sweep, step by step, frame by frame."""
    neurons = plan.places[plan.sweep]  # [R, lanes]
    for frame in range(spikes.shape[1]):
        for step in range(spikes.shape[0]):
            fired = spikes[step, frame][neurons.clip(0)] & (neurons >= 0)
            yield fired.reshape(len(neurons), plan.banks, plan.channels).sum(axis=2).tolist()
