"""`packets`: a flow of packets as spikes of their sizes and directions, in fixed time bins."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..fields import setting
from ..recordings import Flow, Recording
from .timed import Timed


@dataclasses.dataclass(frozen=True)
class Packets(Timed):
    """A packet of `s` bytes at time t (microseconds after the first) is in step t // step, size bin b.

    b = min(s * bins // largest, bins - 1). Channel 2 l (sent) or 2 l + 1 (received) of bin b spikes in a step
    with at least 2^l packets of that bin and direction, l below `levels`: the number of packets as a
    thermometer of powers of two. With `running` the packets of all steps so far count, and a channel spikes
    once, in the step in which its number is reached. Bins are fixed in time, so that a live stream gives the
    same spikes. Map [bins, 1, 2 * levels]. With `skip_empty` a step begins with a packet and steps without
    any are left out:
    then the order counts and not the pauses. Source: size and time bins as in Rasteh, Delpech,
    Aguilar-Melchor, Zimmer, Shouraki, Masquelier, "Encrypted internet traffic classification using a
    supervised spiking neural network", arXiv 2101.09818.
    """

    kind: ClassVar[str] = "packets"
    reads: ClassVar[str] = "packets"
    step: int = setting(100_000, low=1, high=10**9, help="microseconds of a time step")
    bins: int = setting(16, low=1, high=1024, help="bins of sizes")
    largest: int = setting(1500, low=1, high=1 << 20, help="bytes of the largest packets")
    levels: int = setting(1, low=1, high=16, help="a spike for 1, 2, 4, ... packets")
    running: bool = setting(False, help="counts go on over the frame; a spike where one is reached")
    skip_empty: bool = setting(False, help="steps without packets are left out")

    def frame(self, recording: Recording, timesteps: int) -> np.ndarray:
        if not isinstance(recording, Flow):
            raise TypeError(f"{type(recording).__name__} is no flow of packets")
        step = (recording.t - recording.t.min()) // self.step
        if self.skip_empty:
            step = np.unique(step, return_inverse=True)[1]
        size = np.abs(recording.size)
        bin = np.minimum(size * self.bins // self.largest, self.bins - 1)
        direction = (recording.size < 0).astype(np.int64)
        inside = step < timesteps
        counts = np.zeros((timesteps, self.bins, 2), np.int64)
        np.add.at(counts, (step[inside], bin[inside], direction[inside]), 1)
        if self.running:
            counts = counts.cumsum(axis=0)
        reached = counts[:, :, None, :] >= (1 << np.arange(self.levels))[:, None]
        if self.running:
            reached = reached & ~np.concatenate([np.zeros_like(reached[:1]), reached[:-1]])
        return reached.reshape(timesteps, self.bins, 1, 2 * self.levels).astype(np.uint8)
