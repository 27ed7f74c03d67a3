"""A method's network in hardware: its core in simulation beside the golden model, clocks and cells."""

import numpy as np

from twinspike.config import Config
from twinspike.executor import Workplace
from twinspike.flow.cores import simulate_plan
from twinspike.flow.folders import Folders
from twinspike.flow.plans import make_plan_for
from twinspike.hw.predict.area import logic_cells
from twinspike.hw.predict.placement import ram_blocks
from twinspike.quant.network import Network
from twinspike.study.measure import CYCLE_IMAGES, image_cycles

from .method import Goal, Row

# Images that go through the Verilog.
SIMULATED = 40


def core_figures(place: Workplace, config: Config, network: Network, images: np.ndarray) -> Row:
    """What simulation saw of the core of the configuration's first device, on uint8 images [B, *shape].

    Its spikes and results beside the golden model's; median clocks per image by the cycle contract, which
    the simulation checks; logic cells and block RAMs as the planner predicts them.
    """
    target = config.hardware.targets[0]
    plan = make_plan_for(config, network, target)
    _, found = simulate_plan(plan, Folders(place.folder), network.encode(images[:SIMULATED]))
    kept = ("run", "frames", "spikes_compared", "mismatches", "faults", "cycles_predicted_equal")
    return {
        "target": target,
        "sim": [{key: run.get(key) for key in kept} for run in found["runs"]],
        **image_cycles(network, images[:CYCLE_IMAGES], config.hardware.lanes),
        "logic_cells": logic_cells(plan),
        "ram_blocks": ram_blocks(plan),
        "hash": network.content_hash,
    }


def exact(core: Row) -> bool:
    """Whether every spike and result in simulation was the golden model's, and every clock as foretold."""
    return all(
        not run["mismatches"] and not run["faults"] and run["cycles_predicted_equal"] is not False
        for run in core["sim"]
    )


def core_goal(core: Row, *, what: str = "core in simulation", compared: str = "spike") -> Goal:
    """That nothing differs in simulation; `compared`: spikes, or the membranes of outputs that never fire."""
    ours = f"no {compared}, answer or clock differs" if exact(core) else "differences"
    return Goal(what, ours, "none differs", exact(core))


def accuracy_and_core_goals(parts: dict[str, Row], wanted: dict[str, float]) -> list[Goal]:
    """The accuracy wanted of each named part on its test images, by both tie rules; then each part's core."""
    found = []
    for name, least in wanted.items():
        for key, rule in (("accuracy", ""), ("accuracy_ties_right", ", ties counted as right")):
            score = parts[name][key]
            what = f"accuracy on the 10,000 test images of {name}{rule}"
            found.append(Goal(what, f"{score:.4f}", f"{least:.3f}", score >= least))
    return [*found, *(core_goal(parts[name]["core"], what=f"core in simulation, {name}") for name in wanted)]
