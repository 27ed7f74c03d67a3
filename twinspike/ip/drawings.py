"""Drawings of an IP package: the core's blocks, and what goes over its ports."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twinspike.hw.emit.names import Names
from twinspike.hw.plan import CorePlan
from twinspike.numerics.files import write_json

from .diagram import block_diagram
from .timing import bus_waves, frame_waves, wave_svg


def write_drawings(
    plan: CorePlan, buses: Sequence[str], figures: Mapping[str, Any], out: Path, names: Names
) -> None:
    """Write blocks.svg and, with its source in WaveDrom's JSON, a timing diagram of each bus and of a frame.

    `figures` are of the first golden frame: its `events`, and the `latency` in clocks that it has alone.
    """
    out.mkdir()
    (out / "blocks.svg").write_text(block_diagram(plan, names.core))
    waves = {bus: bus_waves(bus) for bus in buses}
    waves["frame"] = frame_waves(figures["latency"], plan.network.timesteps, figures["events"])
    for name, wave in waves.items():
        write_json(out / f"{name}.json", wave)
        (out / f"{name}.svg").write_text(wave_svg(wave))
