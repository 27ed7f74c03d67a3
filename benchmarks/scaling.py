"""How a core of five convolutions over 32 x 32 x 3 images scales: planning, writing, simulating it.

Weights are random and have no training behind them: only sizes and spikes matter here. Input spikes come at
several rates, lanes in several widths; for each the clocks of every layer are counted as the cycle contract
has them, and one core is simulated against the golden model.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.cycles import frame_times
from twinspike.numerics.encodings import Latency
from twinspike.numerics.files import write_json
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network, References
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.conv import Conv
from twinspike.reports.layers import layer_rows
from twinspike.sim import golden
from twinspike.sim.bench.runner import simulate

SHAPE, TIMESTEPS, CLASSES = (32, 32, 3), 8, 10
# Channels, stride of five layers with 3 x 3 kernels.
LAYERS = ((16, 1), (16, 2), (32, 1), (32, 2), (64, 2))
RATES, LANES = (0.02, 0.05, 0.1), (4, 8, 16)
ACTIVE = 0.04  # share of a layer's neurons that fire in a frame, at the first rate
SIMULATED = 8  # lanes of the core that is written and simulated


def network() -> Network:
    """Weights of 4 bits, no biases; thresholds with which a share of every layer's neurons fires."""
    rng, layers, seen = np.random.default_rng(1), [], SHAPE
    train = random_spikes(prod(SHAPE), RATES[0], 2)
    for channels, stride in LAYERS:
        synapses = Conv.over(seen, channels, (3, 3), (stride, stride), (1, 1))
        weight = rng.integers(-7, 8, (channels, seen[2], 3, 3)).astype(np.int8)
        layer, train = firing(weight, synapses, train)
        layers.append(layer)
        seen = layer.shape
    weight = rng.integers(-7, 8, (CLASSES, layers[-1].neurons)).astype(np.int8)
    layers.append(firing(weight, None, train)[0])
    counts = np.cumsum(rng.random((CLASSES, TIMESTEPS, CLASSES)) < 0.3, axis=1).astype(np.uint8)
    references = References(counts, np.arange(CLASSES, dtype=np.int32))
    return Network("scaling", TIMESTEPS, Latency(), SHAPE, tuple(layers), references, 40)


def firing(weight: np.ndarray, synapses: Conv | None, train: np.ndarray) -> tuple[Layer, np.ndarray]:
    """The layer with the highest threshold at which ACTIVE of its neurons fire, and its spikes."""
    nothing = np.zeros(len(weight), np.int32)
    for threshold in range(40, 0, -1):
        layer = Layer(NeuronSpec(state_bits=10), weight, nothing, nothing + threshold, synapses)
        spikes, _ = golden.run_layer(layer, train)
        if spikes.any(axis=0).mean() >= ACTIVE:
            return layer, spikes
    raise SystemExit(f"a layer of {layer.neurons} neurons is silent: its core would prove nothing")


def random_spikes(inputs: int, rate: float, frames: int) -> np.ndarray:
    """Each input spikes in a step with probability `rate` / T: `rate` of them in a frame."""
    rng = np.random.default_rng(2)
    return rng.random((TIMESTEPS, frames, inputs)) < rate / TIMESTEPS


def lanes_of(made: Network, most: int) -> tuple[int, ...]:
    return tuple(min(most, layer.shape[-1]) if layer.kind == "conv" else 2 for layer in made.layers)


def points(made: Network, frames: int) -> list[dict[str, Any]]:
    """Clocks of each layer and from image to image, by lanes and input rate."""
    found = []
    for most in LANES:
        plan = make_plan(made, lanes_of(made, most), "ecp5-85k")
        for rate in RATES:
            spikes = random_spikes(made.inputs, rate, frames)
            trace = golden.run(made, spikes)
            _, finished = frame_times(plan, spikes, trace.spikes, isolate=False)
            rows = layer_rows(made, spikes, trace, plan)
            found.append(
                {
                    "lanes": most,
                    "input_rate": rate,
                    "interval": float(np.diff(finished).mean()),
                    "layers": [
                        {
                            "map": row.size,
                            "lanes": row.lanes,
                            "spikes": row.spikes,
                            "operations": row.operations,
                            "clocks": row.clocks,
                        }
                        for row in rows
                    ],
                }
            )
    return found


def processor_seconds() -> float:
    """Of this process and those that it has started."""
    return time.process_time() + sum(os.times()[2:4])


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    begin = processor_seconds()
    return what(), round(processor_seconds() - begin, 2)


def peak_mib() -> int:
    """The largest memory of this process or of one that it has started."""
    each = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(one).ru_maxrss for one in each) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("results") / "scaling.json")
    options = parser.parse_args()
    made = network()
    plan, plan_seconds = timed(lambda: make_plan(made, lanes_of(made, SIMULATED), "ecp5-85k"))
    with tempfile.TemporaryDirectory() as scratch:
        rtl = Path(scratch) / "rtl"
        _, emit_seconds = timed(lambda: emit(plan, rtl))
        emit_mib = peak_mib()
        print(
            f"planned in {plan_seconds} s, written in {emit_seconds} s, {emit_mib} MiB",
            flush=True,
        )
        begin = time.monotonic()
        spikes = random_spikes(made.inputs, RATES[0], options.frames)
        result = simulate(plan, rtl, spikes, Path(scratch) / "sim")
        seconds = round(time.monotonic() - begin, 1)
    runs = [
        {key: run[key] for key in ("run", "frames", "spikes_compared", "mismatches")}
        for run in result["runs"]
    ]
    print(f"simulated in {seconds} s: {runs}", flush=True)
    figures = {
        "neurons": sum(layer.neurons for layer in made.layers),
        "weights": sum(layer.weight.size for layer in made.layers),
        "spikes_simulated": int(sum(train.sum() for train in golden.run(made, spikes).spikes)),
        "plan_cpu_seconds": plan_seconds,
        "emit_cpu_seconds": emit_seconds,
        "emit_peak_mib": emit_mib,
        "simulate_seconds": seconds,
        "runs": runs,
        "points": points(made, options.frames),
    }
    write_json(options.json, figures)


if __name__ == "__main__":
    main()
