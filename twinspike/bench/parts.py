"""What an image costs in each part of a core: bits that change in simulation, beside the model of energy."""

from pathlib import Path
from typing import Any

from twinspike.bench.energy import ENERGY_MODEL, microjoules
from twinspike.flow.cores import as_predicted
from twinspike.flow.folders import find_network, opened
from twinspike.flow.plans import make_plan_for, test_images
from twinspike.hw.emit.emit import emit, is_current
from twinspike.hw.predict.cycles import frame_times
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import parse_json, write_json
from twinspike.sim.bench.runner import WAVES, Run, simulate
from twinspike.sim.bench.toggles import count_toggles
from twinspike.sim.golden import run as golden_run

RESULT = "energy.json"
CONFIGS = ("digits", "mnist")
TARGET = "generic"
CORE = "bench.dut"  # its scope in the waves
SHARES = (
    "energy of the model below, dealt out in proportion to the bits that change in each part while images go "
    "through the core back to back; a net counts once, without the clock, words inside memories not at all"
)


def measure(configs: tuple[str, ...], images: int, out: str, results: Path, simulator: str) -> dict[str, Any]:
    """Simulate the first test `images` of each configuration with waves; writes results/energy.json.

    A row a part: changes of bits an image, its share; and the modelled energy of each build of this very core
    in results/hardware.json. Also writes build/<config>/energy.json, for the report. Raises TwinspikeError if
    a core differs from the golden model on the way.
    """
    path = results / RESULT
    found: dict[str, Any] = {"shares": SHARES, "model": ENERGY_MODEL, "target": TARGET, "configurations": {}}
    if path.is_file():
        found["configurations"] = parse_json(path.read_text())["configurations"]
    builds = parse_json((results / "hardware.json").read_text())["rows"]
    for name in configs:
        row = found["configurations"][name] = _measure(name, images, out, builds, simulator)
        write_json(opened(name, out)[1].build / "energy.json", row)
        write_json(path, found)
    return found


def _measure(
    name: str, images: int, out: str, builds: list[dict[str, Any]], simulator: str
) -> dict[str, Any]:
    config, place = opened(name, out)
    network = find_network(place, config)
    plan = make_plan_for(config, network, TARGET)
    pixels, _ = test_images(config, network, images)
    spikes = network.encode(pixels)
    rtl, folder = place.rtl(TARGET), place.sim(TARGET).with_name("toggles")
    if not is_current(plan, rtl):
        emit(plan, rtl)
    runs = [Run("back_to_back", images)]
    told = simulate(plan, rtl, spikes, folder, simulator=simulator, waves=True, runs=runs)
    if not all(map(as_predicted, told["runs"])):
        raise TwinspikeError(f"{name}: the core differs from the golden model: see {folder}")
    counts = count_toggles(folder / WAVES, CORE)
    started, finished = frame_times(plan, spikes, golden_run(network, spikes).spikes, isolate=False)
    whole = sum(counts.values())
    return {
        "images": images,
        "simulator": told["runs"][0]["simulator"],
        "network_hash": network.content_hash,
        "cycles_per_image": round(float(finished[-1] - started[0]) / images, 1),
        "changes_per_image": round(whole / images, 1),
        "parts": [
            {"part": part, "changes_per_image": round(count / images, 1), "share": round(count / whole, 4)}
            for part, count in sorted(counts.items(), key=lambda item: -item[1])
        ],
        "modelled_uj": {
            build["device"]: energy
            for build in builds
            if build["network_hash"] == network.content_hash
            and build["lanes"] == [layer.lanes for layer in plan.layers]
            and (energy := microjoules(build["device"], build["logic_cells"], build["interval_cycles"]))
        },
    }
