"""The step `netlist`: the synthesised cores of a configuration in simulation, against the golden model."""

import json
from pathlib import Path
from typing import Any

from twinspike.cli import steps
from twinspike.config import Config
from twinspike.flow.folders import Folders, find_network
from twinspike.hw.devices import device
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json
from twinspike.numerics.locks import alone_with
from twinspike.sim.bench.netlist import simulate_netlist

RESULTS = Path("results") / "netlist.json"


def netlist(config: Config, place: Folders, targets: list[str], frames: int) -> bool:
    """Simulate test images on the netlist for every target; returns whether all is as predicted.

    What was compared goes into results/netlist.json, beside that of other configurations.
    """
    network = find_network(place, config.name)
    images, _ = steps.test_images(config, network, frames)
    spikes = network.encode(images)
    good = True
    for target in targets:
        plan = steps.make_plan_for(config, network, target)
        with alone_with(place.target(target) / "netlist"):
            found = simulate_netlist(plan, device(target), spikes, place.target(target))
        with alone_with(RESULTS):
            table = _read(RESULTS)
            table.setdefault(config.name, {})[target] = found
            write_json(RESULTS, table)
        for row in found["runs"]:
            equal = row["mismatches"] == 0 and not row["faults"] and row.get("cycles_predicted_equal", True)
            good = good and equal
            print(
                f"{config.name}, netlist of {sum(found['cells'].values()):,} {target} cells, {row['run']}: "
                f"{row['frames']} frames, {row['spikes_compared']:,} spikes compared, "
                + ("all equal" if equal else f"DIFFERS: {row['first_mismatch'] or row}")
            )
    return good


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise TwinspikeError(f"{path}: cannot be read ({error}): delete it to measure anew") from None
