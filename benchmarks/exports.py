"""Networks of each framework with each of its parameters away from the default, untrained.

Their float import ought to spike as they do; `python benchmarks/interop.py` says so of fresh exports.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import others
import torch
import whole_trains
from torch import nn

from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_import import float_layers, round_network, run_layers
from twinspike.quant.time_unit import time_unit

WIDTHS = (20, 30, 8)
WEIGHT_BITS = 4


def full(count, value):
    """A value for each of `count` neurons: the same, or from the first to the second of a pair."""
    return torch.linspace(*value, count) if isinstance(value, tuple) else torch.full((count,), float(value))


def leaky(*, beta=0.9, threshold=1.0, kind="Leaky", reset="zero", **more):
    import snntorch

    if kind == "Synaptic":
        more["alpha"] = 0.0

    def make(n):
        each = {key: full(n, x) for key, x in (("beta", beta), ("threshold", threshold))}
        if "alpha" in more:
            each["alpha"] = full(n, 0)
        return getattr(snntorch, kind)(**{**more, **each}, init_hidden=True, reset_mechanism=reset)

    return make


def box(*, dt=1e-3, subtract=False, **changes):
    import norse.torch
    from norse.torch.functional.reset import reset_subtract, reset_value

    values = {"tau_mem_inv": 100.0, "v_th": 1.0, "v_leak": 0.0, "v_reset": 0.0} | changes
    method = reset_subtract if subtract else reset_value

    def make(n):
        each = {key: full(n, x) for key, x in values.items()}
        return norse.torch.LIFBoxCell(norse.torch.LIFBoxParameters(**each, reset_method=method), dt=dt)

    return make


def integrator(v_th):
    from norse.torch import IAFCell
    from norse.torch.functional.iaf import IAFParameters

    return lambda n: IAFCell(IAFParameters(v_th=full(n, v_th), v_reset=full(n, 0)))


def jelly(kind="LIFNode", **parameters):
    from spikingjelly.activation_based import neuron

    return lambda n: getattr(neuron, kind)(**parameters)


def build(framework: str, make: Callable[[int], nn.Module], gain: float, widths=WIDTHS) -> nn.Module:
    """An untrained network of `framework`: `make` gives neurons, `gain` scales the weights."""
    torch.manual_seed(0)
    parts = []
    for inputs, neurons in itertools.pairwise(widths):
        linear = nn.Linear(inputs, neurons)
        nn.init.normal_(linear.weight, std=1.5 * gain / inputs**0.5)
        nn.init.constant_(linear.bias, 0.02)
        parts += [linear, make(neurons)]
    if framework == "norse":
        import norse.torch

        return norse.torch.SequentialState(*parts)
    if framework == "rockpool":
        return whole_trains.rockpool_network(parts)
    return nn.Sequential(*parts)


def framework_of(dialect: str) -> str:
    """The package that a dialect is of: one may have several."""
    return dialect.split("-")[0]


def installed() -> list[tuple]:
    """The cases whose framework is there; sinabs and Rockpool are optional."""
    return [case for case in CASES if importlib.util.find_spec(framework_of(case[0]))]


# Dialect, what is away from its default, neurons, scale of the weights, --reset, --dt.
CASES: list[tuple[str, str, Callable, float, str, float | None]] = [
    ("snntorch", "beta", lambda: leaky(beta=0.7), 1, "zero", None),
    ("snntorch", "beta 1", lambda: leaky(beta=1.0), 1, "zero", None),
    ("snntorch", "beta above 1", lambda: leaky(beta=1.1), 1, "zero", None),
    ("snntorch", "threshold", lambda: leaky(threshold=0.4), 1, "zero", None),
    ("snntorch", "beta of each neuron", lambda: leaky(beta=(0.6, 0.99)), 1, "zero", None),
    ("snntorch", "threshold of each neuron", lambda: leaky(threshold=(0.3, 1.3)), 1, "zero", None),
    ("snntorch", "zero at once", lambda: leaky(reset_delay=False, threshold=0.3), 4, "zero", None),
    ("snntorch", "subtract", lambda: leaky(reset="subtract", threshold=0.3), 4, "subtract-delayed", None),
    (
        "snntorch",
        "subtract at once",
        lambda: leaky(reset="subtract", reset_delay=False, threshold=0.3),
        4,
        "subtract",
        None,
    ),
    ("snntorch", "Synaptic", lambda: leaky(kind="Synaptic"), 1, "zero-delayed", None),
    ("snntorch", "Synaptic at once", lambda: leaky(kind="Synaptic", reset_delay=False), 1, "zero", None),
    (
        "snntorch",
        "Synaptic, beta 1, subtract",
        lambda: leaky(kind="Synaptic", beta=1.0, reset="subtract"),
        1,
        "subtract-delayed",
        None,
    ),
    ("norse", "tau_mem_inv", lambda: box(tau_mem_inv=300.0), 3, "zero", None),
    ("norse", "v_th", lambda: box(v_th=0.4), 10, "zero", None),
    ("norse", "v_leak", lambda: box(v_leak=0.25, v_th=0.6), 8, "zero", None),
    ("norse", "v_leak below 0", lambda: box(v_leak=-0.5), 12, "zero", None),
    (
        "norse",
        "all of each neuron",
        lambda: box(tau_mem_inv=(50.0, 400.0), v_th=(0.4, 1.2), v_leak=(-0.3, 0.3)),
        6,
        "zero",
        None,
    ),
    ("norse", "subtract", lambda: box(subtract=True), 20, "subtract", None),
    ("norse", "dt", lambda: box(dt=5e-4), 20, "zero", 5e-7),
    ("norse", "IAFCell", lambda: integrator(1.5), 1, "zero", None),
    ("spikingjelly", "tau", lambda: jelly(tau=10.0, decay_input=False), 1, "zero", None),
    ("spikingjelly", "decay_input", lambda: jelly(tau=5.0, decay_input=True), 5, "zero", None),
    ("spikingjelly", "v_reset", lambda: jelly(tau=5.0, decay_input=False, v_reset=0.3), 1, "zero", None),
    ("spikingjelly", "v_reset below 0", lambda: jelly(tau=5.0, v_reset=-0.4), 7, "zero", None),
    (
        "spikingjelly",
        "v_threshold",
        lambda: jelly(tau=5.0, decay_input=False, v_threshold=0.4),
        1,
        "zero",
        None,
    ),
    ("spikingjelly", "IFNode", lambda: jelly("IFNode", v_reset=0.2, v_threshold=1.2), 1, "zero", None),
    (
        "spikingjelly",
        "ParametricLIFNode",
        lambda: jelly("ParametricLIFNode", init_tau=4.0, decay_input=False, v_reset=0.1),
        1,
        "zero",
        None,
    ),
    (
        "spikingjelly",
        "CUBALIFNode",
        lambda: jelly("CUBALIFNode", c_decay=0.0, v_decay=0.8, v_threshold=1.0, v_reset=-0.2),
        1,
        "zero",
        None,
    ),
    *whole_trains.CASES,
]


def measure(case: tuple, calibration: np.ndarray, spikes: np.ndarray, widths, work: Path) -> dict[str, Any]:
    """Rates of a case's layers on spikes bool [T, B, in]: there, as floats, as integers; JSON-ready."""
    dialect, what, neurons, gain, reset, dt = case
    framework = framework_of(dialect)
    network = build(framework, neurons(), gain, widths)
    original = others.trains(framework, network, spikes)
    others.write_nir(framework, network, widths[0], work / "net.nir")
    graph = read_graph(work / "net.nir")
    unit = time_unit(graph, dialect, reset, dt, calibration)
    real = float_layers(graph, dialect=dialect, dt=unit.dt, reset=reset)
    stages = round_network(real, calibration, WEIGHT_BITS)
    return {
        "framework": framework,
        "version": version(framework),
        "what": what,
        "reset": reset,
        "dt": unit.dt,
        "layers": layer_rows(original, run_layers(real, spikes), stages, spikes),
    }


def layer_rows(original, floats, stages, spikes: np.ndarray) -> list[dict[str, Any]]:
    """A row per layer: spikes per neuron and frame, and what float import and integers have of them."""
    rows, inputs = [], spikes
    for theirs, ours, rounded in zip(original, floats, stages.rounded, strict=True):
        inputs = rounded.run(inputs)
        either = int((inputs | theirs).sum())
        rows.append(
            {
                "positions": theirs.size,
                "original": float(theirs.sum(axis=0).mean()),
                "float": float(ours.sum(axis=0).mean()),
                "float_differ": int((ours != theirs).sum()),
                "integer": float(inputs.sum(axis=0).mean()),
                "integer_overlap": int((inputs & theirs).sum()) / either if either else 1.0,
                "leak_shift": rounded.layer.spec.leak_shift,
            }
        )
    return rows
