"""Fuzzing: hypothesis draws cases from the whole legal space until a count or a time is reached.

Counts are kept in a file after every batch of cases, so a campaign goes on where the last one ended; a
failing case is shrunk by hypothesis and written to a file that replays it.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ...executor import Executor, Store, Task, Workplace, in_this_process
from ...hw.devices import SPRAM_WIDTHS
from ...hw.emit.emit import generator_hash
from ...hw.plan.choose import EVENTS_PER_CLOCK
from ...hw.plan.spram import SPRAM_FROM_BITS
from ...hw.tools.toolchain import find_icarus
from ...numerics.errors import TwinspikeError
from ...numerics.files import write_atomically, write_json
from ...numerics.progress import Bar
from ..bench.direct import Workshop
from .case import ACTIVITY, Case
from .layers import BIASES, THRESHOLDS, WEIGHTS, LayerCase
from .map_cases import map_cases, map_coverage
from .trial import Differs, attempt

BATCH = 20  # cases drawn with one seed
# One batch of so many runs in Icarus Verilog: four-valued, so that nothing unknown goes unnoticed. On maps
# it is the other way round: their small cores take longer to compile than to run.
ICARUS_EVERY = 4
# Bounds on the work of one case, now and then a larger one: bits in memories (writing the core), lanes
# (compiling it) and clocks (running it).
_WEIGHT_BITS = (60_000, 60_000, 60_000, 400_000)
_LANES = (16, 16, 16, 32, 100)
_REFERENCE_BITS = 40_000
_CLOCKS = {"verilator": 3_000_000, "icarus": 8_000}


@dataclasses.dataclass(frozen=True)
class Finding:
    """A case in which something differed, shrunk, and where it was written."""

    case: Case
    message: str
    path: Path


def widths(small: bool) -> st.SearchStrategy[int]:
    """1 to 1,024, small ones more often: what a width meets there is the same and costs less."""
    if small:
        return st.integers(1, 40)
    return st.one_of(st.integers(1, 12), st.integers(1, 70), st.integers(1, 300), st.integers(1, 1024))


@st.composite
def cases(draw: st.DrawFn, simulator: str = "verilator") -> Case:
    """Any legal shape, within the bounds of work above; for Icarus, which takes long, smaller ones."""
    small = simulator == "icarus"
    choose = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    target = choose("generic", "generic", "generic", "up5k", "hx8k", "ecp5-25k")
    options: dict[str, Any] = {"target": target}
    wide = draw(st.integers(0, 7)) == 5
    if wide:
        options = {"target": "generic", "events_per_clock": []}
    elif draw(st.booleans()):
        options["check_duplicates"] = draw(st.booleans())
    depth = draw(st.integers(1, 4))
    inputs, left = draw(widths(small)), choose(*_WEIGHT_BITS)
    width, layers, lanes_left, spram = inputs, [], choose(*_LANES), False
    for index in range(depth):
        bits = draw(st.integers(1, 8))
        neurons = draw(widths(small))
        # Wide layers of many inputs take their share of the weights and no more.
        neurons = min(neurons, max(1, left // (2 * width * bits)))
        most = max(1, min(neurons, lanes_left // (depth - index)))
        if wide:
            neurons = min(neurons, most)
            options["events_per_clock"].append(choose(*[n for n in EVENTS_PER_CLOCK if n <= width]))
        lanes = draw(st.integers(1, most))
        if target == "up5k" and not wide and width * neurons * bits > SPRAM_FROM_BITS:
            # One layer may lie in SPRAM, if its words divide into those there.
            fits = [n // bits for n in SPRAM_WIDTHS if n % bits == 0 and n // bits <= neurons]
            if fits and not spram:
                lanes, spram = choose(*fits), True
            else:
                neurons = max(1, SPRAM_FROM_BITS // (width * bits))
                lanes = min(lanes, neurons)
        left -= width * neurons * bits
        lanes_left -= lanes
        layers.append(
            LayerCase(
                neurons=neurons,
                lanes=lanes,
                weight_bits=bits,
                leak_shift=draw(st.integers(0, 7)),
                reset=choose("subtract", "zero"),
                single_spike=draw(st.booleans()),
                state_bits=draw(st.one_of(st.integers(2, 12), st.integers(2, 32))),
                weights=choose(*WEIGHTS),
                thresholds=choose(*THRESHOLDS),
                biases=choose(*BIASES),
            )
        )
        width = neurons
    timesteps = draw(
        st.integers(1, 10)
        if small
        else st.one_of(st.integers(1, 10), st.integers(1, 40), st.integers(1, 255))
    )
    table = timesteps * width * timesteps.bit_length()
    references = draw(st.one_of(st.integers(0 if not wide else 1, 4), st.integers(1, 40)))
    references = min(references, 1 + _REFERENCE_BITS // table, *([4] if small else []))
    sinks = choose(0, 60, 128, 230)
    slow = 256 / (256 - sinks)
    events, clocks = inputs, 0
    for layer in layers:
        row = max(6, -(-layer.neurons // layer.lanes))
        clocks = max(clocks, timesteps * (events // 2 + 1) * row, int(timesteps * layer.neurons * slow))
        events = layer.neurons
    clocks = max(clocks, timesteps * -(-width // layers[-1].lanes) * max(3, references))
    networks = draw(st.integers(20, 40)) if simulator == "verilator" else 1
    afford = _CLOCKS[simulator] // (4 * clocks)
    networks = max(1, min(networks, afford // 2))
    frames = max(1, min(draw(st.integers(3, 12)), afford // networks))
    return Case(
        seed=draw(st.integers(0, 2**32 - 1)),
        inputs=inputs,
        timesteps=timesteps,
        layers=tuple(layers),
        references=references,
        membrane=draw(st.booleans()),
        activity=choose(*ACTIVITY[:1], *ACTIVITY),
        frames=frames,
        networks=networks,
        options=options,
        stall_source=choose(0, 30, 128, 220),
        stall_sinks=sinks,
        mishaps=choose(0, 1, 3, 8) if frames > 1 else 0,
        simulator=simulator,
    )


class Campaign:
    """Draws and tries cases, a batch a seed, adding to the counts in the file `results`.

    The same `first_seed` gives the same cases; a file that is there goes on behind its last batch. With
    `maps` the cases are networks of layers on feature maps. Batches are the tasks of `executor`.
    """

    def __init__(
        self,
        folder: Path,
        results: Path,
        first_seed: int | None = None,
        *,
        maps: bool = False,
        executor: Executor | None = None,
    ):
        self._maps = maps
        self._executor = executor or in_this_process()
        self.leaves_out_icarus = not _has_icarus()
        self._folder = folder
        self._path = results
        self._counts = _read(results)
        # Of the code that runs, whatever is written over its files meanwhile.
        self._generator = generator_hash()[:12]
        if first_seed is not None:
            self._counts["next_seed"] = first_seed

    @property
    def counts(self) -> dict[str, Any]:
        """What was tried so far, all campaigns together."""
        return self._counts

    def run(self, networks: int | None, minutes: float | None) -> Finding | None:
        """Go on until so many networks in all or so many minutes from now; the first finding ends it."""
        wanted = networks if networks is not None else float("inf")
        until = time.time() + 60 * minutes if minutes is not None else float("inf")
        done: set[int] = set()
        with Bar(total=networks, initial=self._counts["networks"], unit="network") as bar:
            tasks = self._tasks(lambda: self._counts["networks"] >= wanted or time.time() >= until, until)
            for task, found in self._executor.each(tasks, Store.at(self._folder / "batches"), "fuzz"):
                number = task.arguments[0]
                bar.set_description(f"seed {number}")
                self._count(found)
                bar.update(self._counts["networks"] - bar.n)
                if found["failing"]:
                    return self._finding(**found["failing"])
                done.add(number)
                while self._counts["next_seed"] in done:  # a batch that others have overtaken is still due
                    self._counts["next_seed"] += 1
                write_json(self._path, self._counts)
        return None

    def _tasks(self, over: Callable[[], bool], until: float) -> Iterator[Task]:
        number = self._counts["next_seed"]
        while not over():
            yield Task(f"fuzz-{number}", try_batch, (number, self._maps, until), f"seed {number}", kept=False)
            number += 1

    def _count(self, found: dict[str, Any]) -> None:
        """Add a batch's counts."""
        c = self._counts
        for key, value in found["counts"].items():
            c[key] = round(c.get(key, 0) + value, 2)
        tables = {"refused": c.setdefault("refused", {})} if found["refused"] else {}
        for what, kinds in found["coverage"].items():
            tables[what] = c["coverage"].setdefault(what, {})
            _add(tables[what], kinds)
        if found["refused"]:
            _add(tables["refused"], found["refused"])
        networks = found["counts"].get("networks", 0)
        if networks:
            _add(c["generators"], {self._generator: networks})

    def _finding(self, case: str, message: str) -> Finding:
        path = self._folder / "failures" / f"{hashlib.sha256(case.encode()).hexdigest()[:12]}.json"
        write_atomically(path, case)
        return Finding(Case.from_json(case, str(path)), message, path)


def _add(table: dict[str, int], more: dict[str, int]) -> None:
    for key, value in more.items():
        table[key] = table.get(key, 0) + value


def try_batch(place: Workplace, number: int, maps: bool, until: float) -> dict[str, Any]:
    """Draw and try the cases of a seed, until the time `until`.

    Returns `counts`, `coverage` and `refused` of its cases, and `failing`, the smallest case in which
    something differed, or None.
    """
    simulator = "verilator" if (number % ICARUS_EVERY != 0) != maps else "icarus"
    batch: dict[str, Any] = {"counts": {}, "coverage": {}, "refused": {}, "failing": None}
    if simulator == "icarus" and not _has_icarus():
        # A seed stands for the same cases everywhere, so its batch is not given to the other simulator.
        return batch
    workshop = Workshop(place.folder / "builds", simulator)

    @seed(number)
    @settings(
        max_examples=BATCH,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given((map_cases if maps else cases)(simulator))
    def trying(case: Case) -> None:
        if time.time() >= until and not batch["failing"]:
            return
        try:
            _try(case, workshop, batch, counted=not batch["failing"])
        except Differs as found:
            # The last one is the smallest: hypothesis ends with it.
            batch["failing"] = {"case": case.to_json(), "message": str(found)}
            raise

    with contextlib.suppress(Differs):
        trying()
    return batch


def _try(case: Case, workshop: Workshop, batch: dict[str, Any], *, counted: bool) -> None:
    begin, built = time.monotonic(), workshop.built
    found = attempt(case, workshop)
    if not counted:
        return
    refused = found.pop("refused", None)
    counts = batch["counts"]
    for key, value in found.items():
        counts[key] = counts.get(key, 0) + value
    if refused:
        # No core can be made of it: counted with the reason, and not among the networks.
        _add(batch["refused"], {refused: 1})
        return
    networks = found["networks"]
    made = {
        "cases": 1,
        "builds": workshop.built - built,
        f"networks_{case.simulator}": networks,
        "seconds": round(time.monotonic() - begin, 2),
    }
    for key, more in made.items():
        counts[key] = counts.get(key, 0) + more
    for what, kind in _coverage(case):
        _add(batch["coverage"].setdefault(what, {}), {kind: networks})


def replay(path: Path, folder: Path) -> str | None:
    """Try the case in a file once more: what differs, or None. Raises TwinspikeError for a bad file."""
    try:
        text = path.read_text()
    except OSError as error:
        raise TwinspikeError(f"{path}: cannot read the case: {error.strerror or error}") from None
    case = Case.from_json(text, str(path))
    try:
        attempt(case, Workshop(folder / "builds", case.simulator))
    except Differs as found:
        return str(found)
    return None


def _has_icarus() -> bool:
    """Whether Icarus can be used. One that a variable names and that cannot is still an error."""
    try:
        find_icarus()
    except TwinspikeError:
        if os.environ.get("IVERILOG", "").strip():
            raise
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"networks": 0, "next_seed": 1, "coverage": {}, "generators": {}}
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise TwinspikeError(f"{path}: cannot be read ({error}): delete it to count anew") from None


def _coverage(case: Case) -> list[tuple[str, str]]:
    """What a network exercised: (option, value) pairs, those of the layers once per layer."""
    pairs = [
        ("layers", str(len(case.layers))),
        ("core", _core(case)),
        ("activity", case.activity),
        ("timesteps", _decade(case.timesteps)),
        ("references", _decade(case.references)),
        ("membrane", str(case.membrane and not case.references)),
        ("inputs", _decade(case.inputs)),
    ]
    if case.shape:
        pairs += map_coverage(case)
    for layer in case.layers:
        pairs += [
            ("neurons", _decade(layer.neurons)),
            ("lanes_divide", str(layer.neurons % layer.lanes == 0)),
            *(
                (name, str(getattr(layer, name)))
                for name in (
                    "weight_bits",
                    "leak_shift",
                    "reset",
                    "single_spike",
                    "weights",
                    "thresholds",
                    "biases",
                )
            ),
        ]
    return pairs


def _core(case: Case) -> str:
    return "wide" if case.options.get("events_per_clock") else str(case.options["target"])


def _decade(number: int) -> str:
    """Range of powers of four in which a number lies: "4..15"."""
    if number == 0:
        return "0"
    low = 1
    while low * 4 <= number:
        low *= 4
    return f"{low}..{4 * low - 1}"
