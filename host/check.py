"""Holds a device against the golden model: the same for hardware and for a simulated board."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ..hw.registers import COMMANDS
from ..numerics import emd
from ..quant.network import Network
from ..sim.golden import run
from ..sim.siamese import SiameseCore
from .device import Device

NEW_LABEL = 1000  # of the first class enrolled; beyond the labels that networks have


@dataclasses.dataclass
class Checked:
    """How many answers were compared with the golden model's, and the first one that differs."""

    compared: int = 0
    different: int = 0
    first: str = ""

    def __call__(self, what: str, found: list, wanted: list) -> None:
        """Count one comparison an item."""
        self.compared += len(wanted)
        for at, (a, b) in enumerate(zip(found, wanted, strict=True)):
            if a != b:
                self.different += 1
                self.first = self.first or f"{what} {at}: {a} where {b} is right"


def check_device(
    device: Device,
    network: Network,
    images: np.ndarray,
    enrolled: np.ndarray,
    progress: Callable[[str, int], None] | None = None,
) -> Checked:
    """Classify and embed `images`, enrol `enrolled` in the last slots and verify; compare every answer.

    Images are uint8 [B, *shape]. The slots are as the network has them before and after. `progress` is
    told what is done and how many frames it took.
    """
    tell = progress or (lambda what, frames: None)
    golden = SiameseCore(network, device.info.slots or len(network.references.labels))
    golden.threshold = device.threshold
    checked = Checked()
    spikes = run(network, network.encode(images)).spikes[-1]
    counts = emd.cumulative_counts(spikes).transpose(1, 0, 2)

    def classified(what: str, pixels: bool = False) -> None:
        found = [_record(a) for a in device.classify(images, pixels=pixels)]
        checked(what, found, [_record(golden.frame(c)) for c in counts])
        tell(what, len(images))

    classified("classified")
    few = images[: max(1, len(images) // 5)]
    embedded = [s.tobytes() for s, _ in device.embed(few)]
    checked("embedded", embedded, [spikes[:, at].tobytes() for at in range(len(few))])
    tell("embedded", len(few))
    if device.info.pixels:
        classified("classified from pixels", pixels=True)

    slots = range(max(0, device.info.slots - len(enrolled)), device.info.slots)
    new = emd.cumulative_counts(run(network, network.encode(enrolled)).spikes[-1]).transpose(1, 0, 2)
    for slot, image, reference in zip(slots, enrolled, new, strict=False):
        label = NEW_LABEL + slot
        golden.command(COMMANDS.index("ENROL"))
        checked("enrolled", [_record(device.enrol(slot, label, image))], [_record(golden.frame(reference))])
        golden.command(COMMANDS.index("COMMIT") | slot << 8 | label << 16)
        checked("reference read", [device.read_reference(slot).tolist()], [reference.tolist()])
        tell("enrolled", 1)
    for slot in slots:
        golden.command(COMMANDS.index("VERIFY") | slot << 8)
        found = [_record(a) for a in device.verify(slot, few)]
        checked("verified", found, [_record(golden.frame(c)) for c in counts[: len(few)]])
        tell("verified", len(few))
    golden.command(COMMANDS.index("CLASSIFY"))
    if slots:
        classified("classified among the new")
    own = network.references
    for slot in slots:
        if slot < len(own.labels):
            device.write_reference(slot, int(own.labels[slot]), own.counts[slot].astype(np.int64))
        else:
            device.clear(slot)
    return checked


def _record(answer) -> tuple[int, int, int, bool]:
    return answer.label, answer.distance, answer.runner_up, answer.same
