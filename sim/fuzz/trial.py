"""Trying a case: its networks as RTL in a simulator, sound and hostile streams, against the golden model."""

import collections
import dataclasses
import re
import tempfile
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import numpy as np

from ...hw.emit.emit import write_verilog
from ...hw.plan import CorePlan
from ...hw.predict.cycles import frame_times
from ...numerics import emd
from ...numerics.errors import TwinspikeError
from ...numerics.events import TICK
from ...numerics.ingress import DUPLICATE, LAST, sanitise, sound_events
from ...numerics.values import VALUE
from ...quant.network import Network
from .. import golden, scalar
from ..bench.direct import Pass, Workshop, run, shared_sources
from ..bench.images import memory_images
from ..bench.logs import compare, observe
from ..bench.vectors import stimulus_lines
from ..golden import Trace
from .case import Case
from .variants import tables

# Neuron inputs times steps up to which the scalar interpreter is asked too.
_SCALAR_WORK = 200_000


class Differs(Exception):
    """The RTL is not what the golden model says: the finding that fuzzing is for."""


def attempt(case: Case, workshop: Workshop) -> dict[str, Any]:
    """Try every network of the case; returns what was compared. Raises Differs at the first difference.

    A network on maps that no core can be made of is not skipped: golden model and scalar interpreter are
    still held against each other, and `refused` says why, without the numbers.
    """
    counts: collections.Counter = collections.Counter()
    if case.shape:
        reason = _refusal(case)
        if reason:
            return {**_against_scalar(case), "refused": reason}
    with tempfile.TemporaryDirectory(prefix="twinspike-fuzz-") as scratch:
        rtl = Path(scratch) / "rtl"
        rtl.mkdir()
        command, images = [], {}
        tried: set[bytes] = set()
        for index in range(case.networks):
            network = case.network(index)
            if case.shape and tables(network) in tried:
                # So few weights that moving them gave nothing new.
                continue
            tried.add(tables(network))
            plan = case.plan(network)
            if index == 0:
                write_verilog(plan, rtl)
                command = workshop.command(plan, shared_sources(plan, rtl))
                images = {path.name: path.read_text() for path in rtl.glob("*.mem")}
                if memory_images(plan) != images:
                    raise Differs("memory images differ from those that emit wrote")
            else:
                images = memory_images(plan)
            place = Path(scratch) / str(index)
            try:
                counts += _sound(case, plan, index, command, images, place / "sound")
                if case.mishaps:
                    counts += _hostile(case, plan, index, command, images, place / "hostile")
            except TwinspikeError as error:
                # A log that is too short, a run that does not end: the core's doing.
                raise Differs(f"network {index}: {error}") from None
            counts["networks"] += 1
    return counts


def _refusal(case: Case) -> str | None:
    """Why no core can be made of the case's network, or None."""
    network = case.network(0)
    try:
        case.plan(network)
    except TwinspikeError as error:
        return re.sub(r"\d+", "n", str(error))
    return None


def _against_scalar(case: Case) -> collections.Counter:
    """Golden model against scalar interpreter for a network that has no plan."""
    network, spikes = case.network(0), case.spikes(0)
    return _compare_scalar(network, spikes, golden.run(network, spikes), 1)


def _sound(case: Case, plan: CorePlan, index: int, command, images, folder: Path) -> collections.Counter:
    """Frames in order: undisturbed (with the clock of every result), then stalled, held and reset."""
    spikes = case.spikes(index)
    rng = np.random.default_rng([case.seed, 4, index])
    trace = golden.run(plan.network, spikes)
    counts = _scalar(plan, spikes, trace)
    passes = [Pass(case.frames, isolate=bool(rng.integers(2)))]
    if case.stall_source or case.stall_sinks:
        passes.append(_disturbed(case, rng, Pass(case.frames)))
    outcomes = run(command, images, stimulus_lines(spikes, plan.layers[0].events_per_clock), passes, folder)
    for number, (one, outcome) in enumerate(zip(passes, outcomes, strict=True)):
        where = f"network {index}, {one}"
        counts += _compare(plan, folder, number, trace, where, outcome, flags=0)
        if one.undisturbed:
            seen = observe(plan, folder, number, case.frames)
            started, finished = frame_times(plan, spikes, trace.spikes, isolate=one.isolate)
            if not (np.array_equal(started, seen.started) and np.array_equal(finished, seen.finished)):
                raise Differs(f"{where}: cycles {seen.finished} differ from the contract's {finished}")
            counts["frames_on_time"] += case.frames
    counts["sound_frames"] += case.frames * len(passes)
    return counts


def _hostile(case: Case, plan: CorePlan, index: int, command, images, folder: Path) -> collections.Counter:
    """The damaged stream, stalled, held back for long and reset somewhere; predicted by `sanitise`."""
    words, mishaps = case.hostile_words(index)
    timesteps, inputs = plan.network.timesteps, plan.network.inputs
    values = plan.most > 1
    meant, flags = sanitise(words, timesteps, inputs, values=values, most=plan.most)
    every = reduce(or_, sound_events(words, timesteps, inputs, values=values)[1])
    trace = predict(plan, meant)
    rng = np.random.default_rng([case.seed, 5, index])
    passes = [_disturbed(case, rng, Pass(meant.shape[1], whole=True))]
    stimulus = [_line(word, plan.layers[0].events_per_clock) for word in words]
    outcomes = run(command, images, stimulus, passes, folder)
    checked = every if plan.check_duplicates else every & ~DUPLICATE
    counts = _compare(
        plan, folder, 0, trace, f"network {index}, hostile, {passes[0]}", outcomes[0], flags=checked
    )
    counts["hostile_frames"] += len(flags)
    counts["damaged_frames"] += int((flags != 0).sum())
    counts += collections.Counter({f"mishap_{kind}": n for kind, n in mishaps.items()})
    counts["values"] += sum(w & VALUE == VALUE for w in words) if values else 0
    counts["resets"] += sum(one.reset_at > 0 for one in passes)
    counts["long_holds"] += sum(one.hold_for > 0 for one in passes)
    return counts


def _line(word: int, banks: int) -> str:
    """A {last, word} as the bench reads it: for a port of several words alone in its slot of a beat."""
    if banks <= 1:
        return f"{word:05x}\n"
    slot = 0 if word & TICK else word % banks
    return f"{(word & LAST) >> 16 << 17 * banks | 1 << 16 * banks + slot | (word & 0xFFFF) << 16 * slot:x}\n"


def _disturbed(case: Case, rng: np.random.Generator, one: Pass) -> Pass:
    """Stalls on both sides, a reset at any clock of the first frames, nothing taken for a long while."""
    reach = 40 + 12 * case.timesteps * (1 + case.inputs // 2)
    return dataclasses.replace(
        one,
        stall_source=case.stall_source,
        stall_spikes=case.stall_sinks,
        stall_result=int(rng.integers(0, case.stall_sinks + 1)),
        hold_from=int(rng.integers(reach)),
        hold_for=int(rng.choice([0, 300, 5000])),
        reset_at=int(rng.integers(1, reach)) if rng.random() < 0.7 else 0,
        seed=int(rng.integers(1, 1 << 32)),
    )


def predict(plan: CorePlan, counts: np.ndarray) -> Trace:
    """What the golden model says of event counts [T, B, inputs]: a duplicate adds its weight once more.

    Only then can the first layer's accumulator overflow, and it wraps around.
    """
    network = plan.network
    trains: list[np.ndarray] = []
    for index, layer in enumerate(network.layers):
        sources = [counts if s < 0 else trains[s] for s in network.sources(index)]
        wrap = None if index or not layer.synapses.fires else plan.layers[0].accumulator_bits
        incoming = golden.combined(sources, layer.combine)
        if network.readout == "membrane" and index == len(network.layers) - 1:
            train, v = golden.run_silent(layer, incoming, wrap_bits=wrap)
            results = golden.by_sums(network, v.sum(axis=0, dtype=np.int64))
            return Trace((*trains, train), None, results)
        trains.append(golden.run_layer(layer, incoming, wrap_bits=wrap)[0])
    results = golden.classify(network, emd.cumulative_counts(trains[-1]))
    return Trace(tuple(trains), None, results)


def _compare(plan, folder, number, trace, where, outcome, flags) -> collections.Counter:
    frames = trace.spikes[0].shape[1]
    if not outcome.finished:
        raise Differs(f"{where}: hangs after {outcome.results} of {frames} results")
    seen = observe(plan, folder, number, frames, sound="hostile" not in where)
    compared, wrong, first = compare(trace, seen, plan.numbers)
    if wrong:
        raise Differs(f"{where}: {wrong} of {compared} spikes and results differ, {first}")
    if seen.faults:
        raise Differs(f"{where}: broken rule at cycle {seen.faults[0][0]}, code {seen.faults[0][1]:02x}")
    if outcome.error_flags != flags:
        raise Differs(f"{where}: error flags {outcome.error_flags:04b}, expected {flags:04b}")
    return collections.Counter(frames=frames, spikes_compared=compared, results_compared=frames)


def _scalar(plan: CorePlan, spikes: np.ndarray, trace: Trace) -> collections.Counter:
    """Golden model against the scalar interpreter, over as many frames as that is quick enough for."""
    network = plan.network
    visits = sum(len(layer.visits(a)) * layer.lanes for layer in plan.layers for a in range(layer.inputs))
    work = network.timesteps * visits
    return _compare_scalar(network, spikes, trace, min(spikes.shape[1], _SCALAR_WORK // max(work, 1)))


def _compare_scalar(network: Network, spikes: np.ndarray, trace: Trace, frames: int) -> collections.Counter:
    for b in range(frames):
        trains, result = scalar.run(network, spikes[:, b].tolist())
        ours = tuple(train[:, b].tolist() for train in trace.spikes)
        r = trace.results
        if ours != tuple(trains) or result != (r.label[b], r.distance[b], r.runner_up[b], r.same[b]):
            raise Differs(f"frame {b}: golden model and scalar interpreter disagree")
    return collections.Counter(scalar_frames=frames)
