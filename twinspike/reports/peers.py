"""Published accelerators beside our own builds: what documents and report compare, and how."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from twinspike.hw.tools.flows import FLOWS

# The images that the published figures are of.
DATASET = "mnist"
NOT_ON_A_BOARD = "placed, routed and simulated, not run on a board"
# The family that most published accelerators are built for; yosys counts our cores in its cells.
FAMILY = "xilinx"


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
    luts: float | None = None,
) -> list[Row]:
    """Published designs and our `builds` of one network (see record.synthesis), the fastest first.

    Builds of networks of other images have no row. A design is called better than ours in time against our
    fastest build, and in logic where it states fewer cells than the `luts` that ours takes of that family.
    """
    builds = list(builds) if dataset == DATASET else []
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
                    ("time", _less(peer["latency_us"], fastest)),
                    ("accuracy", bool(builds) and _less(accuracy, peer["accuracy"])),
                    ("logic", bool(builds) and _less(peer.get("cells"), luts)),
                    ("power is stated", bool(peer["power"])),
                )
                if is_better
            ),
        )
        for peer in accelerators
    ]
    for build in builds:
        logic = f"{build['logic_cells']:,} logic cells, {build['ram_blocks']} block RAMs"
        if build["spram"]:
            logic += f", {build['spram']} SPRAM"
        time = build.get("latency_us")
        title = f"twinspike, {name}"
        rows.append(Row(title, build["device"], accuracy, time, logic, "not measured", NOT_ON_A_BOARD))
    return sorted(rows, key=lambda row: float("inf") if row.latency_us is None else row.latency_us)


def counted(
    flows: Iterable[Mapping[str, Any]], network_hash: str, lanes: Sequence[int] = ()
) -> Mapping[str, Any] | None:
    """The row of results/flows.json for a network's core in the peers' family; of these lanes, if any."""
    for row in flows:
        if (
            row["flow"] == FAMILY
            and row["network_hash"] == network_hash
            and (not lanes or row["lanes"] == lanes)
        ):
            return row
    return None


def in_cells(row: Mapping[str, Any] | None) -> str:
    """What a core takes of the peers' family, to follow its other figures; empty for None."""
    if row is None:
        return ""
    return (
        f"; the same core on 7 series, by yosys: {row['luts']:,.0f} LUT6, {row['flipflops']:,.0f} FF, "
        f"{row['ram_blocks']:g} {FLOWS[FAMILY].ram_block}, {row['dsp']:g} DSP"
    )


def _less(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and a < b
