"""Residual blocks of spikes (SEW) beside those whose neurons come behind the addition, and beside none."""

from functools import partial
from typing import Any

import numpy as np

from twinspike.config import Config, load_config
from twinspike.executor import Workplace

from .cores import core_figures, core_goal
from .method import Goal, Method, Part, Row
from .training import depends_on, trained, with_layers

CONFIG = "sew"
SEEDS = (1, 2, 3)
# What becomes of a block's spikes and of those that it saw.
ADD, AND, IAND = "add", "and", "iand"
BEHIND, NONE = "control, neurons behind the addition", "control, no shortcuts"
VARIANTS = (ADD, AND, IAND, BEHIND, NONE)
# With AND a block lets through what it saw only while its own convolution spikes in every step (the paper,
# section 3.2): at rest seven blocks are silent, and nothing is learnt.
AND_BIAS = 0.5


def blocks(variant: str, seed: int) -> Config:
    """The configuration, of additions, with blocks of another kind.

    A block's output y and what it saw, x, of its convolution's spikes s: s and x, x and not s, or s alone;
    or what neurons fire that see s + x, each of one weight. It is a pool of one place where it is no layer.
    """
    first, *convolutions, last = load_config(CONFIG).table()["layers"]
    name, layers = _short(variant), [first]
    for index, block in enumerate(convolutions):
        if variant == ADD:
            layers.append(block)
            continue
        block = {key: value for key, value in block.items() if key != "sources"}
        layers += [block, *_ends(variant, index, block)]
    last = last if variant == ADD else {key: value for key, value in last.items() if key != "sources"}
    config = with_layers(CONFIG, name, [*layers, last], seed=seed)
    return config.changed(config.name, training={"initial_bias": AND_BIAS}) if variant == AND else config


def _short(variant: str) -> str:
    return variant.removeprefix("control, ").replace(" ", "-")


def _ends(variant: str, index: int, block: dict[str, Any]) -> list[dict[str, Any]]:
    """What follows a block's convolution, two layers a block: it sees what the convolution saw as well."""
    saw, made = 2 * index, 2 * index + 1
    if variant in (AND, IAND):
        return [{"kind": "pool", "window": [1, 1], "sources": [saw, made], "combine": variant}]
    if variant == BEHIND:
        single = {"kernel": [1, 1], "padding": [0, 0], "groups": block["channels"]}
        return [block | single | {"sources": [saw, made]}]
    return []


def measured(place: Workplace, variant: str, seed: int) -> Row:
    """A variant's figures with a seed; with the first one, where spikes are added, its core's as well."""
    config = blocks(variant, seed)
    network, dataset, row = trained(place, config)
    if (variant, seed) == (ADD, SEEDS[0]):
        row |= {"core": core_figures(place, config, network, dataset.test_images)}
    return row


def _name(variant: str, seed: int) -> str:
    return f"{variant}, seed {seed}"


def goals(parts: dict[str, Row]) -> list[Goal]:
    means = {
        variant: float(np.mean([parts[_name(variant, seed)]["accuracy"] for seed in SEEDS]))
        for variant in VARIANTS
    }
    found = []
    for variant in (ADD, AND, IAND):
        for other in (BEHIND, NONE):
            what = f"{variant.upper()}, mean accuracy beside {other.split(', ')[1]}"
            gap = f"{means[variant]:.4f}, {means[variant] - means[other]:+.4f}"
            found.append(Goal(what, gap, f"above {means[other]:.4f}", means[variant] > means[other]))
    return [*found, core_goal(parts[_name(ADD, SEEDS[0])]["core"])]


METHOD = Method(
    name="sew",
    title="Residual blocks of spikes (SEW)",
    arxiv=("2102.04159",),
    implemented="blocks whose spikes are combined with those that they saw by ADD, AND or IAND; as controls "
    "the same network with neurons behind the addition, as in the plain spiking ResNet, and without "
    "shortcuts",
    missing="two convolutions a block (one here), pools between blocks; neurons whose leak learns; "
    "ImageNet, DVS Gesture and CIFAR10-DVS",
    data="N-MNIST's excerpt: 1,000 recordings to train, 100 to measure; seven blocks of 8 channels on 9 x 9 "
    "places, T = 10, 20 passes",
    paper_figure="0.9792 on DVS Gesture, seven blocks of 32 channels",
    parts=tuple(
        Part(_name(variant, seed), measured, (variant, seed), partial(depends_on, CONFIG))
        for variant in VARIANTS
        for seed in SEEDS
    ),
    goals=goals,
)
