"""The cores that the model of logic cells is fitted to: none is of the hardware table."""

import dataclasses
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from twinspike.hw.plan import CorePlan, make_plan
from twinspike.numerics.encodings import Graded, Latency
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network, References
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.base import Synapses
from twinspike.quant.synapses.conv import Conv


@dataclasses.dataclass(frozen=True)
class Sample:
    """One core to build: `widths` are inputs and the neurons of each layer.

    With `convs`, (channels, side of the kernel, stride, padding) each, convolutions over a map of `shape`
    come first, and all of `widths` are the neurons of dense layers behind them. With `graded` the input has
    so many bits, and with `held` the first layer holds it. With `single_spike` neurons of convolutions spike
    once per frame.
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
    graded: int = 0
    held: bool = False
    single_spike: bool = False

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
        if self.graded:
            parts += ["held" if self.held else "graded", self.graded]
        parts += ["single-spike"] * self.single_spike + ["no-leak"] * (not self.leak_shift)
        return "-".join(map(str, parts))


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
    ((16,), (8, 4), {"shape": (16, 16, 1), "convs": ((8, 3, 2, 1),), "graded": 4, "held": True}),
    (
        (24,),
        (16, 4, 4),
        {"shape": (24, 24, 1), "convs": ((16, 5, 2, 2), (16, 3, 2, 1)), "graded": 2, "held": True},
    ),
    (
        (40,),
        (16, 8, 4),
        {
            "shape": (26, 26, 1),
            "convs": ((15, 5, 2, 2), (24, 3, 2, 1)),
            "graded": 2,
            "single_spike": True,
            "leak_shift": 0,
        },
    ),
)
_MAPS_OF_MANY_LANES: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((32,), (32, 16), {"shape": (26, 26, 1), "convs": ((32, 5, 2, 2),), "graded": 3, "leak_shift": 0}),
    (
        (32,),
        (32, 16),
        {
            "shape": (26, 26, 1),
            "convs": ((32, 3, 2, 1),),
            "graded": 4,
            "held": True,
            "single_spike": True,
            "leak_shift": 0,
            "state_bits": 10,
        },
    ),
    (
        (40,),
        (32, 32, 16),
        {"shape": (24, 24, 1), "convs": ((32, 3, 2, 1), (64, 3, 2, 1)), "graded": 2, "state_bits": 9},
    ),
    (
        (48,),
        (32, 16, 32),
        {
            "shape": (24, 24, 2),
            "convs": ((32, 5, 2, 2), (48, 3, 2, 1)),
            "single_spike": True,
            "leak_shift": 0,
            "state_bits": 10,
        },
    ),
)
_WIDE_MAPS: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((16,), (1, 1), {"shape": (16, 16, 1), "convs": ((8, 3, 2, 1),)}),
    (
        (16,),
        (1, 1, 1),
        {"shape": (16, 16, 1), "convs": ((8, 5, 2, 2), (8, 3, 2, 1)), "graded": 2, "held": True},
    ),
)
SAMPLES = (
    *(Sample("up5k", widths, lanes, **more) for widths, lanes, more in _SERIAL),
    *(Sample("up5k", widths, lanes, **more) for widths, lanes, more in _MAPS),
    *(
        Sample("ecp5-25k", widths, lanes, **more)
        for widths, lanes, more in _SERIAL + _MANY_LANES + _MAPS + _MAPS_OF_MANY_LANES
    ),
    *(
        Sample("ecp5-85k", widths, events_per_clock=banks, **more)
        for widths, banks, more in _WIDE + _WIDE_MAPS
    ),
)


def sample_plan(sample: Sample) -> CorePlan:
    """A core of the sample's shape with weights, thresholds and biases such as training gives."""
    rng = np.random.default_rng(len(sample.name))
    spec = NeuronSpec(sample.weight_bits, sample.leak_shift, state_bits=sample.state_bits)
    # The sample speaks of neurons on maps; those of dense layers spike as often as they do.
    once = dataclasses.replace(spec, single_spike=sample.single_spike)
    layers: list[Layer] = []
    reach, limit = 1 << (sample.state_bits - 1), spec.weight_limit

    def add(shape: tuple[int, ...], synapses: Synapses | None = None) -> None:
        drawn = np.clip(np.rint(rng.normal(0, limit / 2.5, shape)), -limit, limit)
        weight = np.where(drawn > 0, 1, -1) if sample.weight_bits == 1 else drawn
        # Convolutions are trained without biases above 0, so that a TICK sweeps what was reached.
        bias = rng.integers(-reach // 4, reach // 4, shape[0]) if synapses is None else np.zeros(shape[0])
        threshold = rng.integers(reach // 8, reach // 2, shape[0])
        neuron = spec if synapses is None else once
        layer = Layer(neuron, weight.astype(np.int8), bias.astype(np.int32), threshold.astype(np.int32))
        layer = dataclasses.replace(layer, hold=sample.held and not layers)
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
    encoder = Graded(sample.graded) if sample.graded else Latency()
    network = Network("sample", sample.timesteps, encoder, seen, tuple(layers), references, 7, {})
    return make_plan(network, sample.lanes, sample.target, sample.events_per_clock)
