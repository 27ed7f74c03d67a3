"""Fuzzing: hypothesis draws cases from the whole legal space until a count or a time is reached.

Counts are kept in a file after every case, so a campaign goes on where the last one ended; a failing
case is shrunk by hypothesis and written to a file that replays it.
"""

import dataclasses
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

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
    """Draws and tries cases, adding to the counts in the file `results`.

    The same `first_seed` gives the same cases; a file that is there goes on behind its last batch. With
    `maps` the cases are networks of layers on feature maps.
    """

    def __init__(self, folder: Path, results: Path, first_seed: int | None = None, *, maps: bool = False):
        self._maps = maps
        self._cases = map_cases if maps else cases
        self._workshops = {"verilator": Workshop(folder / "builds", "verilator")}
        if _has_icarus():
            self._workshops["icarus"] = Workshop(folder / "builds", "icarus")
        self._failures = folder / "failures"
        self._path = results
        self._counts = _read(results)
        # Of the code that runs, whatever is written over its files meanwhile.
        self._generator = generator_hash()[:12]
        if first_seed is not None:
            self._counts["next_seed"] = first_seed
        self.seconds = 0.0

    @property
    def counts(self) -> dict[str, Any]:
        """What all campaigns into the file have compared so far."""
        return self._counts

    def run(self, networks: int | None, minutes: float | None) -> Finding | None:
        """Go on until so many networks in all or so many minutes from now; the first finding ends it."""
        begin = time.monotonic()
        wanted = networks if networks is not None else float("inf")
        until = begin + 60 * minutes if minutes is not None else float("inf")

        def over() -> bool:
            return self._counts["networks"] >= wanted or time.monotonic() >= until

        with Bar(total=networks, initial=self._counts["networks"], unit="network") as bar:
            while not over():
                number = self._counts["next_seed"]
                bar.set_description(f"seed {number}")
                finding = self._batch(number, over, bar)
                if finding:
                    return finding
                self._counts["next_seed"] = number + 1
                self._keep()
        return None

    @property
    def leaves_out_icarus(self) -> bool:
        """Whether the batches that are Icarus Verilog's are passed over, because it is not installed."""
        return "icarus" not in self._workshops

    def _batch(self, number: int, over, bar: Bar) -> Finding | None:
        failing: list[tuple[Case, str]] = []
        simulator = "verilator" if (number % ICARUS_EVERY != 0) != self._maps else "icarus"
        if simulator not in self._workshops:
            # A seed stands for the same cases everywhere, so its batch is not given to the other simulator.
            return None

        @seed(number)
        @settings(
            max_examples=BATCH,
            deadline=None,
            database=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )
        @given(self._cases(simulator))
        def trying(case: Case) -> None:
            if over() and not failing:
                return
            try:
                self._try(case, bar, counted=not failing)
            except Differs as found:
                # The last one is the smallest: hypothesis ends with it.
                failing.append((case, str(found)))
                raise

        try:
            trying()
        except Differs:
            case, message = failing[-1]
            text = case.to_json()
            path = self._failures / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
            write_atomically(path, text)
            return Finding(case, message, path)
        return None

    def _try(self, case: Case, bar: Bar, *, counted: bool) -> None:
        begin = time.monotonic()
        workshop = self._workshops[case.simulator]
        built = workshop.built
        found = attempt(case, workshop)
        if not counted:
            return
        c = self._counts
        refused = found.pop("refused", None)
        if refused:
            # No core can be made of it: counted with the reason, and not among the networks.
            reasons = c.setdefault("refused", {})
            reasons[refused] = reasons.get(refused, 0) + 1
        for key, value in found.items():
            c[key] = c.get(key, 0) + value
        if refused:
            self._keep()
            return
        made: dict[str, float] = {"cases": 1, "builds": workshop.built - built}
        networks = found["networks"]
        made[f"networks_{case.simulator}"] = networks
        made["seconds"] = round(time.monotonic() - begin, 2)
        for key, more in made.items():
            c[key] = round(c.get(key, 0) + more, 2)
        for what, kind in _coverage(case):
            table = c["coverage"].setdefault(what, {})
            table[kind] = table.get(kind, 0) + networks
        generators = c["generators"]
        generators[self._generator] = generators.get(self._generator, 0) + networks
        self._keep()
        bar.update(networks)

    def _keep(self) -> None:
        write_json(self._path, self._counts)


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
