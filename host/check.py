"""Holds a device against the golden model: the same for hardware and for a simulated board."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ..numerics import emd
from ..numerics.commands import COMMANDS
from ..numerics.decision import enrolled_threshold
from ..quant.network import Network
from ..sim.golden import run
from ..sim.siamese import Reference, SiameseCore
from .device import Device
from .info import Answer


@dataclasses.dataclass(frozen=True, eq=False)
class NewClass:
    """A class to be enrolled under `label`, by uint8 images [E, *shape].

    The first one is enrolled on the chip; where there are more, the median of all takes its place later.
    """

    label: int
    images: np.ndarray


@dataclasses.dataclass
class Checked:
    """How many answers were compared with the golden model's, and the first one that differs.

    `labels`: what the device gave the images once classes had been enrolled, by the number of images per
    class; `same`: its decision for each of the first images against each new class, bool [classes, images].
    """

    compared: int = 0
    different: int = 0
    first: str = ""
    labels: dict[int, list[int]] = dataclasses.field(default_factory=dict)
    same: list[list[bool]] = dataclasses.field(default_factory=list)

    def __call__(self, what: str, found: list, wanted: list) -> None:
        """Count one comparison an item."""
        self.compared += len(wanted)
        for at, (a, b) in enumerate(zip(found, wanted, strict=True)):
            if a != b:
                self.different += 1
                self.first = self.first or f"{what} {at}: {a} where {b} is right"


class Check:
    """A device and its golden model side by side: the same frames and commands go to both.

    Slots beyond the network's own begin in the golden model as the device holds them.
    """

    def __init__(self, device: Device, network: Network, tell: Callable[[str, int], None]):
        self._device, self._network, self._tell = device, network, tell
        self._golden = SiameseCore(network, device.info.slots or len(network.references.labels))
        self._golden.threshold = device.threshold
        for held in device.slots()[len(network.references.labels) :]:
            if held.holds:
                counts = device.read_reference(held.number)
                self._golden.slots[held.number] = Reference(counts, held.label, held.threshold)
                self._golden.holds[held.number] = True
        self._before = [
            reference if holds else None
            for reference, holds in zip(self._golden.slots, self._golden.holds, strict=True)
        ]
        self.checked = Checked()

    def classify(self, what: str, images: np.ndarray, *, pixels: bool = False) -> list[int]:
        """The labels of images; every answer is compared."""
        found = list(self._device.classify(images, pixels=pixels))
        self._frames(what, found, self._counts(images))
        return [answer.label for answer in found]

    def embed(self, images: np.ndarray) -> None:
        """Every output spike of images is compared."""
        spikes = run(self._network, self._network.encode(images)).spikes[-1]
        found = [s.tobytes() for s, _ in self._device.embed(images)]
        self.checked("embedded", found, [spikes[:, at].tobytes() for at in range(len(images))])
        self._tell("embedded", len(images))

    def enrol(self, slot: int, new: NewClass) -> None:
        """One image becomes a reference on the chip."""
        (counts,) = self._counts(new.images[:1])
        self._command("ENROL")
        threshold = self._device.threshold // 2
        answer = self._device.enrol(slot, new.label, new.images[0], threshold=threshold)
        self._frames("enrolled", [answer], [counts])
        self._golden.commit_threshold(threshold | 1 << 31)
        self._command("COMMIT", slot, new.label)
        self._command("CLASSIFY")
        self._reference(slot)

    def enrol_median(self, slot: int, new: NewClass) -> None:
        """The median of several embeddings becomes a reference, with the threshold that they suggest."""
        self._device.enrol_median(slot, new.label, new.images)
        counts = np.stack(self._counts(new.images), axis=1)
        median = emd.median_reference(counts).astype(np.int64)
        held = self._golden.holds
        others = [
            emd.emd(other.counts, median)
            for number, other in enumerate(self._golden.slots)
            if held[number] and other.label != new.label
        ]
        own = emd.distances(counts, median[None])[:, 0]
        threshold = enrolled_threshold(own, np.array(others, np.int64), self._device.threshold)
        self.checked("thresholds", [self._device.fit_threshold(slot, new.images)], [threshold])
        self._golden.slots[slot] = Reference(median, new.label, threshold)
        self._reference(slot)
        self._tell("enrolled", len(new.images))

    def verify(self, slot: int, images: np.ndarray) -> list[bool]:
        """Decisions of images against a slot; every answer is compared."""
        self._command("VERIFY", slot)
        found = list(self._device.verify(slot, images))
        self._frames("verified", found, self._counts(images))
        self._command("CLASSIFY")
        return [answer.same for answer in found]

    def restore(self, slot: int) -> None:
        """A slot as it was before."""
        held = self._before[slot]
        if held:
            self._device.write_reference(slot, held.label, held.counts, threshold=held.threshold)
        else:
            self._device.clear(slot)

    def _frames(self, what: str, found: list[Answer], counts: list[np.ndarray]) -> None:
        self.checked(what, [_record(a) for a in found], [_record(self._golden.frame(c)) for c in counts])
        self._tell(what, len(found))

    def _reference(self, slot: int) -> None:
        held = self._golden.slots[slot]
        found = [self._device.read_reference(slot).tolist(), *self._device.reference(slot)]
        self.checked("reference read", found, [held.counts.tolist(), held.label, True])

    def _command(self, name: str, slot: int = 0, label: int = 0) -> None:
        self._golden.command(COMMANDS.index(name) | slot << 8 | label << 16)

    def _counts(self, images: np.ndarray) -> list[np.ndarray]:
        spikes = run(self._network, self._network.encode(images)).spikes[-1]
        return list(emd.cumulative_counts(spikes).transpose(1, 0, 2))


def check_device(
    device: Device,
    network: Network,
    images: np.ndarray,
    classes: Sequence[NewClass],
    progress: Callable[[str, int], None] | None = None,
) -> Checked:
    """Classify and embed `images`, enrol `classes` in the last slots and verify; compare every answer.

    Images are uint8 [B, *shape]. The network's own slots must be as the network has them; what others hold
    takes part, and is there again afterwards. `progress` is told what is done and how many frames it took.
    """
    check = Check(device, network, progress or (lambda what, frames: None))
    few = images[: max(1, len(images) // 5)]
    check.classify("classified", images)
    check.embed(few)
    if device.info.pixels:
        check.classify("classified from pixels", images, pixels=True)

    slots = range(max(0, device.info.slots - len(classes)), device.info.slots)
    enrolled = list(zip(slots, classes, strict=False))
    for slot, new in enrolled:
        check.enrol(slot, new)
    check.checked.same = [check.verify(slot, few) for slot in slots]
    if enrolled:
        check.checked.labels[1] = check.classify("classified among the new", images)
    examples = min((len(new.images) for _, new in enrolled), default=1)
    if examples > 1:
        for slot, new in enrolled:
            check.enrol_median(slot, new)
        check.checked.labels[examples] = check.classify("classified among the new", images)
    for slot in slots:
        check.restore(slot)
    return check.checked


def _record(answer) -> tuple[int, int, int, bool]:
    return answer.label, answer.distance, answer.runner_up, answer.same
