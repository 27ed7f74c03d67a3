"""Published accelerators beside our own builds: what documents and report compare, and how."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

# The images that the published figures are of.
DATASET = "mnist"
NOT_ON_A_BOARD = "placed, routed and simulated, not run on a board"


@dataclasses.dataclass(frozen=True)
class Row:
    """One design. Times in microseconds per image, accuracy as a share; None where nothing is stated."""

    design: str
    device: str
    accuracy: float | None
    latency_us: float | None
    logic: str
    power: str
    unlike: str  # what is not like for like
    better: tuple[str, ...] = ()  # where it is better than ours
    source: str = ""  # address of the publication; empty for ours
    year: int | None = None

    @property
    def ours(self) -> bool:
        return not self.source


def published() -> dict[str, Any]:
    """The figures that were published: `accelerators`, and the method's paper `pabian`."""
    return json.loads(resources.files(__package__).joinpath("peers.json").read_text(encoding="utf-8"))


def compare(
    accelerators: Iterable[Mapping[str, Any]],
    name: str,
    accuracy: float | None,
    builds: Iterable[Mapping[str, Any]],
    dataset: str = DATASET,
) -> list[Row]:
    """Published designs and our `builds` of one network (see record.synthesis), the fastest first.

    A design is called better than ours in time against our fastest build, and in accuracy only
    where ours is measured on the same images.
    """
    builds = list(builds)
    same_images = dataset == DATASET
    fastest = min((b["latency_us"] for b in builds if "latency_us" in b), default=None)
    rows = [
        Row(
            design=peer["design"],
            year=peer["year"],
            source=peer["source"],
            device=peer["device"],
            accuracy=peer["accuracy"],
            latency_us=peer["latency_us"],
            logic=peer["logic"],
            power=peer["power"],
            unlike=peer["unlike"],
            better=tuple(
                what
                for what, is_better in (
                    ("time", same_images and _less(peer["latency_us"], fastest)),
                    ("accuracy", same_images and _less(accuracy, peer["accuracy"])),
                    ("power is stated", bool(peer["power"])),
                )
                if is_better
            ),
        )
        for peer in accelerators
    ]
    unlike = NOT_ON_A_BOARD if same_images else f"other images, {dataset}; {NOT_ON_A_BOARD}"
    for build in builds:
        logic = f"{build['logic_cells']:,} logic cells, {build['ram_blocks']} block RAMs"
        if build["spram"]:
            logic += f", {build['spram']} SPRAM"
        time = build.get("latency_us")
        rows.append(Row(f"twinspike, {name}", build["device"], accuracy, time, logic, "not measured", unlike))
    return sorted(rows, key=lambda row: float("inf") if row.latency_us is None else row.latency_us)


def _less(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and a < b
