"""A configuration's core as an IP package."""

from pathlib import Path
from typing import Any

from twinspike.config import Config
from twinspike.flow.folders import Folders, find_network
from twinspike.flow.plans import make_plan_for, test_images
from twinspike.hw.emit.names import Names

from .package import write_ip


def write_package(
    config: Config, place: Folders, target: str, *, frames: int, out: Path | None, name: str = ""
) -> tuple[Path, dict[str, Any]]:
    """Write Verilog, registers, benches with golden vectors, constraints and datasheet; (folder, summary).

    With a `name` its modules, files and macros have names of their own (see hw/emit/names.py).
    """
    names = Names(name)
    network = find_network(place, config)
    images, labels = test_images(config, network, frames)
    folder = out or place.ip(target)
    plan = make_plan_for(config, network, target)
    return folder, write_ip(plan, network.encode(images), labels, folder, place.build, names)
