"""A configuration's core: emitted, simulated, placed and routed."""

from pathlib import Path
from typing import Any

from twinspike.config import Config
from twinspike.hw.devices import device
from twinspike.hw.emit.emit import emit, is_current
from twinspike.hw.plan import CorePlan
from twinspike.hw.predict.planner import Prediction, choose
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json
from twinspike.numerics.locks import alone_with
from twinspike.quant.network import Network
from twinspike.sim.golden import run

from .folders import GENERIC, Folders, find_network
from .plans import make_plan_for, test_images

WAVE_FRAMES = 3
# Test images on which plans are compared.
PLANNING_IMAGES = 60


def write_core(
    config: Config,
    place: Folders,
    target: str,
    *,
    network: Network | None = None,
    out: Path | None = None,
    goal: str | None = None,
) -> tuple[Path, CorePlan, Prediction | None]:
    """Write Verilog, RTLIL, memory images and ports.md of the core for one target; returns their folder.

    With a `goal` the planner chooses lanes and banks by what real images cost. A `network` that is given
    stands in for the configuration's.
    """
    if goal and target == GENERIC:
        raise TwinspikeError("--goal needs a device: add --target, such as up5k")
    network = network or find_network(place, config)
    folder = out or place.rtl(target)
    prediction = None
    if goal:
        images, _ = test_images(config, network, PLANNING_IMAGES)
        spikes = network.encode(images)
        prediction = choose(network, target, goal, spikes, run(network, spikes).spikes)
    plan = prediction.plan if prediction else make_plan_for(config, network, target)
    with alone_with(folder):
        emit(plan, folder)
    return folder, plan, prediction


def simulate_core(
    config: Config,
    place: Folders,
    target: str,
    *,
    frames: int | None,
    simulator: str,
    waves: bool,
    bench: str = "",
) -> tuple[Path, dict[str, Any]]:
    """Simulate real test images; returns the report's path and content."""
    from twinspike.sim.bench.runner import chosen_bench, simulate
    from twinspike.sim.bench.simulators import find_simulator

    find_simulator(simulator)
    chosen_bench(bench, simulator, waves)
    network = find_network(place, config)
    plan = make_plan_for(config, network, target)
    # Waves of a few frames fill a screen; those of hundreds fill a disk.
    usual = WAVE_FRAMES if waves else config.hardware.frames
    images, _ = test_images(config, network, usual if frames is None else frames)
    spikes = network.encode(images)
    with alone_with(place.rtl(target)):
        if not is_current(plan, place.rtl(target)):
            emit(plan, place.rtl(target))
        result = simulate(
            plan, place.rtl(target), spikes, place.sim(target), simulator=simulator, bench=bench, waves=waves
        )
    # A look at waves does not replace the report on many frames.
    path = place.sim(target) / "waves.json" if waves else place.sim_report(target)
    write_json(path, result)
    return path, result


def as_predicted(row: dict[str, Any]) -> bool:
    """Whether a simulated run's spikes, results and cycles are all those of golden and cycle model."""
    return not row["mismatches"] and not row["faults"] and row.get("cycles_predicted_equal", True)


def place_core(config: Config, place: Folders, target: str, *, seeds: list[int], jobs: int) -> dict[str, Any]:
    """Place and route for one target; writes <target>/synth/synth.json and returns its content."""
    from twinspike.hw.tools.synthesis import synthesise

    network = find_network(place, config)
    plan = make_plan_for(config, network, target)
    with alone_with(place.rtl(target)):
        emit(plan, place.rtl(target))
        return synthesise(
            place.rtl(target) / "harness.il",
            "harness",
            device(target),
            place.synth(target),
            seeds=seeds,
            jobs=jobs,
            provenance={"network_hash": network.content_hash, "config": config.name},
        )
