"""How long a step is in the time of a NIR file, which does not say so.

Each framework's exporter has a usual step (quant/dialects.py), and some write gains of tau / dt that tell
it. A file in another unit read at the usual step is a network of neurons that hardly move: it never spikes.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..numerics.errors import TwinspikeError
from .dialects import DIALECTS, Dialect
from .floating import NO_LEAK, time_constants, told_steps
from .nir_graph import Node, chain, layers
from .nir_import import float_layers, run_layers

# Steps that files are written with, tried where the usual one gives no spikes: a millisecond, and one step.
OTHERS = (1e-3, 1.0)
# Frames have at most 1,023 steps. A longer time constant than this is hardly meant.
LONGEST = 1000
# Frames that a step is tried on.
TRIED = 100


@dataclasses.dataclass(frozen=True)
class TimeUnit:
    """Seconds a step in a file's time, and the line that says so."""

    dt: float
    line: str


def time_unit(
    graph: Mapping[str, Any], dialect: str, reset: str, given: float | None, spikes: np.ndarray
) -> TimeUnit:
    """The step given by hand, else the one that the file's gains tell, else the usual one.

    A usual step at which a layer stays silent on `spikes` bool [T, B, in], or (with "nir") time constants
    are longer than LONGEST steps, gives way to one at which neither is so, if there is one. Raises
    TwinspikeError for a graph that cannot be mapped at the step it comes to.
    """
    nodes = [neurons for _, neurons in layers(chain(graph))]
    reading = DIALECTS[dialect]
    if given is not None:
        return _unit(given, "given by --dt", nodes, reading)
    told = told_step(nodes, reading)
    if told is not None and reading.r_is_steps:
        usual = np.isclose(told, reading.dt, rtol=1e-4)
        how = f"as {dialect} writes it" if usual else "as r, which is tau / dt, tells"
        return _unit(reading.dt if usual else told, how, nodes, reading)
    float_layers(graph, dialect=dialect, reset=reset)  # what cannot be mapped is refused before any guess
    some = spikes[:, :TRIED]

    def fits(dt: float) -> bool:
        if dialect == "nir" and _median_steps(nodes, reading, dt) > LONGEST:
            return False
        return lives(graph, dialect, reset, dt, some)

    if fits(reading.dt):
        return _unit(reading.dt, f"usual of {dialect}", nodes, reading)
    for dt in (*([told] if told is not None else []), *OTHERS):
        if fits(dt):
            return _unit(dt, f"guessed: at the usual {reading.dt:g} s it would hardly spike", nodes, reading)
    return _unit(reading.dt, f"usual of {dialect}", nodes, reading)


def told_step(nodes: Sequence[Node], dialect: Dialect) -> float | None:
    """What r tells of LIF nodes where it is not 1, and 1 / r of IF nodes, if it is the same everywhere."""
    told = []
    for node in nodes:
        r, tau = _constants(node, dialect, dialect.dt)
        known = (tau < NO_LEAK * dialect.dt / 2) & (r > 0)
        if node.type != "IF":
            known &= ~np.isclose(r, 1.0)
        told.append(told_steps(dialect, r[known], tau[known]))
    steps = np.concatenate(told)
    if not steps.size or not np.allclose(steps, steps[0], rtol=1e-4, atol=0):
        return None
    return float(f"{steps[0]:.6g}")


def lives(graph: Mapping[str, Any], dialect: str, reset: str, dt: float, spikes: np.ndarray) -> bool:
    """Whether every layer spikes on `spikes` bool [T, B, in] with steps of `dt`."""
    try:
        found = float_layers(graph, dialect=dialect, dt=dt, reset=reset)
    except TwinspikeError:
        return False
    if found[0].inputs != spikes.shape[2]:
        return True  # the frames are not this network's: nothing can be said
    return all(train.any() for train in run_layers(found, spikes))


def _constants(node: Node, dialect: Dialect, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """r and tau [n] of a node; tau is 1 for IF, so that tau / r is its step."""
    count = max(np.size(node.fields.get(field, 1)) for field in ("r", "tau", "tau_mem"))
    if node.type == "IF":
        r = np.broadcast_to(node.array("r").reshape(-1), (count,))
        return r, np.ones(count)
    return time_constants(node, dialect, dt, count)


def _steps(nodes: Sequence[Node], dialect: Dialect, dt: float) -> np.ndarray:
    """Time constants in steps of `dt`, of all neurons that leak."""
    leaky = [node for node in nodes if node.type != "IF"]
    tau = np.concatenate([_constants(node, dialect, dt)[1] for node in leaky] or [np.zeros(0)])
    return tau[tau < NO_LEAK * dt / 2] / dt


def _median_steps(nodes: Sequence[Node], dialect: Dialect, dt: float) -> float:
    steps = _steps(nodes, dialect, dt)
    return float(np.median(steps)) if steps.size else 0.0


def _unit(dt: float, how: str, nodes: Sequence[Node], dialect: Dialect) -> TimeUnit:
    steps = _steps(nodes, dialect, dt)
    spans = "no neuron leaks"
    if steps.size:
        low, high = f"{steps.min():.4g}", f"{steps.max():.4g}"
        spans = f"time constants of {low if low == high else f'{low} to {high}'} steps"
    return TimeUnit(dt, f"time unit: a step is {dt:g} s in the file ({how}; {spans}); --dt S says otherwise")
