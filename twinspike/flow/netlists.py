"""The synthesised cores of a configuration in simulation, against the golden model."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twinspike.config import Config
from twinspike.hw.devices import device
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json
from twinspike.numerics.locks import alone_with
from twinspike.sim.bench.netlist import simulate_netlist

from .folders import Folders, find_network
from .identity import record_name
from .plans import make_plan_for, test_images


def simulate_netlists(
    config: Config, place: Folders, targets: list[str], frames: int, results: Path | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Simulate test images on the netlist of every target; gives (target, what was compared).

    Each goes into <target>/netlist.json as it comes, and into netlist.json of the folder `results`, beside
    those of other configurations, where that is given.
    """
    table_file = results / "netlist.json" if results else None
    name = record_name(config, str(table_file)) if table_file else config.name
    network = find_network(place, config)
    images, _ = test_images(config, network, frames)
    spikes = network.encode(images)
    for target in targets:
        plan = make_plan_for(config, network, target)
        with alone_with(place.target(target) / "netlist"):
            found = simulate_netlist(plan, device(target), spikes, place.target(target))
            write_json(place.target(target) / "netlist.json", found)
        if table_file:
            with alone_with(table_file):
                table = _read(table_file)
                table.setdefault(name, {})[target] = found
                write_json(table_file, table)
        yield target, found


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise TwinspikeError(f"{path}: cannot be read ({error}): delete it to measure anew") from None
