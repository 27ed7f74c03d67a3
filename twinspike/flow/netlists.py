"""The synthesised cores of a configuration in simulation, against the golden model."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twinspike.config import Config
from twinspike.hw.devices import device
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json
from twinspike.sim.bench.netlist import simulate_netlist

from .folders import Folders, find_network
from .identity import record_name
from .plans import make_plan_for, test_images

RESULTS = Path("results") / "netlist.json"


def simulate_netlists(
    config: Config, place: Folders, targets: list[str], frames: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Simulate test images on the netlist of every target; gives (target, what was compared).

    Each goes into results/netlist.json as it comes, beside those of other configurations.
    """
    name = record_name(config, str(RESULTS))
    network = find_network(place, config)
    images, _ = test_images(config, network, frames)
    spikes, table = network.encode(images), _read(RESULTS)
    for target in targets:
        plan = make_plan_for(config, network, target)
        found = simulate_netlist(plan, device(target), spikes, place.target(target))
        table.setdefault(name, {})[target] = found
        write_json(RESULTS, table)
        yield target, found


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise TwinspikeError(f"{path}: cannot be read ({error}): delete it to measure anew") from None
