"""Golden model of a core with reference slots: what every command does, in numpy.

The registers are those of hw/bus/registers.py, and values are written to them as a host writes them. A core
in whose registers the same is written, between the same frames, gives the same results and flags.
"""

import dataclasses

import numpy as np

from ..numerics import emd
from ..numerics.commands import COMMANDS, NO_LABEL, STAGED_SLOT
from ..quant.network import Network

CLASSIFY, EMBED, ENROL, VERIFY, COMMIT, CLEAR = range(len(COMMANDS))


@dataclasses.dataclass(frozen=True)
class Answer:
    """The result of one frame, as the registers LABEL, DISTANCE and RUNNER_UP give it."""

    label: int
    distance: int
    runner_up: int
    same: bool


@dataclasses.dataclass
class Reference:
    """A table of cumulative counts [T, N] with its label and a decision threshold of its own, if any."""

    counts: np.ndarray
    label: int = 0
    threshold: int | None = None


class SiameseCore:
    """`slots` references, the first ones those of the network, a staged copy, and a mode for frames.

    A command that is refused returns the name of its flag in ERRORS and changes nothing; others
    return None. Commands come between frames, so there is no `command_busy` here.
    """

    def __init__(self, network: Network, slots: int):
        shape = (network.timesteps, network.outputs)
        own = network.references
        self._shape = shape
        self.threshold = network.verify_threshold
        self.slots: list[Reference] = [
            Reference(counts.astype(np.int64), int(label))
            for counts, label in zip(own.counts, own.labels, strict=True)
        ]
        # No distance is greater; nor is a threshold, which is kept in as many bits as distances need.
        self._most = (1 << (network.outputs * network.timesteps**2 + 1).bit_length()) - 2
        if own.threshold is not None:
            for reference, threshold in zip(self.slots, own.threshold, strict=True):
                reference.threshold = min(int(threshold), self._most)
        self.holds = [True] * len(self.slots) + [False] * (slots - len(self.slots))
        while len(self.slots) < slots:
            self.slots.append(Reference(np.zeros(shape, np.int64)))
        self.staged_copy = Reference(np.zeros(shape, np.int64))
        self.reset()

    def reset(self) -> None:
        """What a reset or CONTROL.soft_reset does: slots stay, the staged copy is not to be committed."""
        self.mode, self.only, self.staged, self._spoiled = CLASSIFY, 0, False, False
        self._at = (0, 0)
        self._limit: int | None = None

    def frame(self, counts: np.ndarray, *, sound: bool = True) -> Answer:
        """Cumulative output counts [T, N] of a frame; not `sound`: its events set a flag."""
        taking_part = [k for k, holds in enumerate(self.holds) if holds]
        if self.mode == VERIFY:
            taking_part = [k for k in taking_part if k == self.only]
        distance = [int(emd.emd(counts, self.slots[k].counts)) for k in taking_part]
        if self.mode in (EMBED, ENROL):
            self._spoiled |= self.mode == ENROL and not sound
            self.staged_copy.counts = counts.astype(np.int64)
            self.staged = self.mode == ENROL and not self._spoiled
        if not taking_part:
            return Answer(NO_LABEL, emd.NO_RUNNER_UP, emd.NO_RUNNER_UP, False)
        order = np.argsort(distance, kind="stable")
        best = distance[order[0]]
        second = distance[order[1]] if len(order) > 1 else emd.NO_RUNNER_UP
        nearest = self.slots[taking_part[order[0]]]
        threshold = self.threshold if nearest.threshold is None else nearest.threshold
        return Answer(nearest.label, best, second, best <= threshold)

    def command(self, value: int) -> str | None:
        """A write to COMMAND."""
        code, slot, label = value & 0xFF, value >> 8 & 0xFF, value >> 16
        if code >= len(COMMANDS):
            return "command_unknown"
        if code >= VERIFY and slot >= len(self.slots):
            return "slot_range"
        if code == COMMIT:
            if not self.staged:
                return "nothing_staged"
            self.staged_copy.label, self.staged_copy.threshold = label, self._limit
            self._limit = None
            self.slots[slot], self.staged_copy = self.staged_copy, self.slots[slot]
            self.holds[slot], self.staged = True, False
        elif code == CLEAR:
            self.holds[slot] = False
        else:
            self.mode = code
            self.only = slot if code == VERIFY else self.only
            self._spoiled = self._spoiled and code != ENROL
        return None

    def reference_at(self, value: int) -> str | tuple[int, bool, int]:
        """A write to REFERENCE_AT: the fields of REFERENCE (count, holds, label), or the flag."""
        neuron, step, slot = value & 0xFFFF, value >> 16 & 0xFF, value >> 24
        timesteps, neurons = self._shape
        if neuron >= neurons or step >= timesteps or (slot >= len(self.slots) and slot != STAGED_SLOT):
            return "reference_range"
        self._at = (step, neuron)
        chosen = self.staged_copy if slot == STAGED_SLOT else self.slots[slot]
        return int(chosen.counts[step, neuron]), slot != STAGED_SLOT and self.holds[slot], chosen.label

    def commit_threshold(self, value: int) -> None:
        """A write to COMMIT_THRESHOLD."""
        self._limit = min(value & 0x7FFF_FFFF, self._most) if value >> 31 else None

    def reference_threshold(self, slot: int) -> int:
        """REFERENCE_THRESHOLD of a slot or the staged copy, as REFERENCE_AT names them."""
        chosen = self.staged_copy if slot == STAGED_SLOT else self.slots[slot]
        return self._most + 1 if chosen.threshold is None else chosen.threshold | 1 << 31

    def stage(self, value: int) -> str | None:
        """A write to STAGE."""
        count, (step, neuron) = value & 0xFF, self._at
        timesteps, neurons = self._shape
        if count > timesteps:
            return "reference_range"
        self.staged_copy.counts[step, neuron] = count
        place = (step * neurons + neuron + 1) % (timesteps * neurons)
        self._at = divmod(place, neurons)
        self.staged = place == 0
        return None
