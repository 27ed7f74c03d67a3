"""A network's core: written as Verilog, simulated against the golden model, placed and routed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twinspike.flow.cores import as_predicted, place_plan, simulate_plan, write_plan
from twinspike.flow.folders import GENERIC, Folders
from twinspike.flow.plans import make_plan_for
from twinspike.hw.devices import device
from twinspike.hw.plan import CorePlan
from twinspike.hw.predict.planner import Prediction, choose
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.extras import explained
from twinspike.sim.golden import run

if TYPE_CHECKING:
    from .networks import Net

# Test images on which plans are compared.
PLANNING_IMAGES = 60
# Of a simulation with waves: a few frames fill a screen, hundreds a disk.
WAVE_FRAMES = 3


@dataclasses.dataclass(frozen=True)
class Simulation:
    """What a simulation found: a row of figures a run, as they stand in the file `path`."""

    runs: list[dict[str, Any]]
    path: Path

    @property
    def exact(self) -> bool:
        """Whether every spike, result and clock is that of golden model and cycle model."""
        return all(as_predicted(row) for row in self.runs)

    @property
    def mismatches(self) -> int:
        """Spikes and results that differ from the golden model's, over all runs."""
        return sum(row["mismatches"] for row in self.runs)

    @property
    def spikes_compared(self) -> int:
        return sum(row["spikes_compared"] for row in self.runs)

    def cycles(self, kind: str = "latency") -> float:
        """Median clocks of a frame: "latency" of frames alone, "interval" of frames back to back."""
        for row in self.runs:
            spread = row.get("cycles", {}).get(kind)
            if row["isolated"] == (kind == "latency") and spread and spread["values"]:
                return float(spread["median"])
        raise TwinspikeError(f"{self.path}: no {kind} was measured: give one image, for an interval two")


@dataclasses.dataclass(frozen=True)
class Synthesis:
    """What placing and routing gave; MHz a seed, in the order of `seeds`. `table` is all of synth.json."""

    target: str
    seeds: tuple[int, ...]
    fmax_mhz: tuple[float, ...]
    logic_cells: int
    ram_blocks: int
    table: dict[str, Any] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, eq=False)
class Core:
    """The core of a network for one target, as its `plan` has it.

    `prediction` says what the planner expects of it, where it was asked for a goal, on `planned_on` images.
    """

    net: Net
    plan: CorePlan
    place: Folders
    prediction: Prediction | None = None
    planned_on: int = 0

    @property
    def target(self) -> str:
        return self.plan.target

    @explained("writing a core")
    def verilog(self, folder: str | Path | None = None) -> Path:
        """Write Verilog, RTLIL, memory images and ports.md; returns their folder.

        The default lies in the build folder. Raises TwinspikeError for a folder that holds something else.
        """
        return write_plan(self.plan, Path(folder) if folder else self.place.rtl(self.target))

    @explained("simulation")
    def simulate(
        self,
        images: np.ndarray | int | None = None,
        *,
        simulator: str = "verilator",
        bench: str = "",
        waves: bool = False,
    ) -> Simulation:
        """Drive images through the Verilog and compare every spike, result and clock with the golden model.

        `images`: uint8 [N, *shape], or how many of the test images (default: as many as the configuration
        says, 3 with `waves`). A difference is told by the result, not raised; TwinspikeError if the simulator
        is missing.
        """
        usual = WAVE_FRAMES if waves else self.net.hardware.frames
        self.net.kept()
        spikes = self.net.encoded(self._images(usual if images is None else images))
        path, found = simulate_plan(
            self.plan, self.place, spikes, simulator=simulator, bench=bench, waves=waves
        )
        return Simulation(found["runs"], path)

    @explained("placing and routing")
    def synthesise(self, seeds: Sequence[int] = (1, 2, 3), *, jobs: int = 2) -> Synthesis:
        """Place and route the core with yosys and nextpnr, once a seed, `jobs` at a time.

        What has not changed is not run again. Raises TwinspikeError for the portable core, which has no
        device, and for one that does not fit.
        """
        if self.target == GENERIC:
            raise TwinspikeError("a portable core has no device to be placed on: give a target, such as up5k")
        self.net.kept()
        table = place_plan(self.plan, self.place, self.net.name, seeds=list(seeds), jobs=jobs)
        return Synthesis(
            self.target,
            tuple(table["seeds"]),
            tuple(table["fmax_mhz"]),
            table["logic_cells"],
            table["ram_blocks"],
            table,
        )

    @explained("an IP package")
    def package(
        self, folder: str | Path | None = None, *, frames: int = 10, name: str = ""
    ) -> tuple[Path, list[str]]:
        """Write an IP package: Verilog with bus tops, registers, benches with golden vectors, datasheet.

        `frames` test images become the vectors; with a `name` its modules have names of their own. Returns
        the folder and the names of its top modules.
        """
        from twinspike.hw.emit.names import Names
        from twinspike.ip.package import write_ip

        names = Names(name)
        images, labels = self.net.test_images(frames)
        written = Path(folder) if folder else self.place.ip(self.target)
        build = self.net.kept().build
        found = write_ip(self.plan, self.net.encoded(images), labels, written, build, names)
        return written, found["tops"]

    def __repr__(self) -> str:
        lanes = ", ".join(str(layer.lanes) for layer in self.plan.layers)
        return f"Core({self.net.name} for {self.target}, lanes {lanes})"

    def _images(self, images: np.ndarray | int) -> np.ndarray:
        return self.net.test_images(images)[0] if isinstance(images, int) else images


def plan_core(net: Net, target: str, goal: str | None, images: np.ndarray | None) -> Core:
    """The core of a network as its configuration has it, or as the planner chooses it by a goal.

    Raises TwinspikeError for a target that is none.
    """
    if target != GENERIC:
        device(target)
    if goal is None:
        return Core(net, make_plan_for(net.config, net.network, target), net.place)
    if target == GENERIC:
        raise TwinspikeError("--goal needs a device: add --target, such as up5k")
    spikes = net.encoded(net.test_images(PLANNING_IMAGES)[0] if images is None else images)
    prediction = choose(net.network, target, goal, spikes, run(net.network, spikes).spikes)
    # Beside the configuration's own cores, whose figures reports collect.
    place = Folders(net.place.build / f"goal-{goal}")
    return Core(net, prediction.plan, place, prediction, spikes.shape[1])
