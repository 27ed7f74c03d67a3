"""Learnt spacings: few taps that find out where they lie, in space and in time, beside dense kernels."""

import numpy as np

from twinspike.config import Config, load_config
from twinspike.executor import Workplace

from .cores import core_goal
from .method import Goal, Method, Row
from .training import changed, part, trained, with_core, with_layers

SPACE, TIME = "dcls", "dcls-time"
LESS = 0.003
SEEDS = (1, 2, 3)
# Delays of all steps, a weight for each.
ALL_STEPS = {"layers": [{"taps": 9, "learn": False}, {}, {}]}
STILL = {"layers": [{"learn": False}, {"learn": False}, {}]}


def dense(place: Workplace, name: str) -> Row:
    """The network with a weight for every place of the reach."""
    _, _, row = trained(place, dense_kernels(name))
    return row


def dense_kernels(name: str) -> Config:
    """The configuration with convolutions of the taps' reach in their place."""
    layers = []
    for layer in load_config(name).table()["layers"]:
        entry = {key: value for key, value in layer.items() if key not in ("taps", "reach", "learn")}
        if layer.get("kind") == "taps":
            entry |= {"kind": "conv", "kernel": layer["reach"], "padding": [n // 2 for n in layer["reach"]]}
        layers.append(entry)
    return with_layers(name, "dense", layers)


def goals(parts: dict[str, Row]) -> list[Goal]:
    space, other = parts["Fashion-MNIST"], parts["control, Fashion-MNIST, dense kernels"]
    keywords = [parts[_keywords(seed)] for seed in SEEDS]
    steps = [parts[_all_steps(seed)] for seed in SEEDS]
    mean, least = (float(np.mean([row["accuracy"] for row in rows])) for rows in (keywords, steps))
    found = [
        Goal(
            "accuracy on Fashion-MNIST's 10,000 test images",
            f"{space['accuracy']:.4f} with {space['weights']:,} weights",
            f"{other['accuracy'] - LESS:.4f}, 0.3 points below {other['weights']:,} weights",
            space["accuracy"] >= other["accuracy"] - LESS,
        ),
        Goal(
            f"accuracy on 600 keywords, mean of {len(SEEDS)} seeds",
            f"{mean:.4f} with {keywords[0]['weights']:,} weights",
            f"{least - LESS:.4f}, 0.3 points below {steps[0]['weights']:,} weights",
            mean >= least - LESS,
        ),
    ]
    for what, row in (("Fashion-MNIST", space), ("keywords", keywords[0])):
        found.append(core_goal(row["core"], what=f"core for {what} in simulation"))
    return found


def _keywords(seed: int) -> str:
    return f"keywords, seed {seed}"


def _all_steps(seed: int) -> str:
    return f"control, keywords, a weight for each step, seed {seed}"


METHOD = Method(
    name="dcls",
    title="Learnt spacings",
    arxiv=("2112.03740", "2306.17670"),
    implemented="taps of a convolution whose places learn by interpolation between the places around them "
    "(`taps`), and delays that learn by a Gaussian that narrows (`delay`); both are rounded from the first "
    "or the middle of the training on, so that what is exported is what was trained",
    missing="places of each pair of channels (each input channel has its own here, for all outputs); delays "
    "of each synapse (each input has three here); networks for ImageNet, SHD, SSC and Google's speech "
    "commands",
    data="Fashion-MNIST: 60,000 images to train, 10,000 to measure; 16 of 7 x 7 and 8 of 5 x 5 places, 6 "
    "passes. Arabic keywords: 1,800 recordings to train, 600 to measure; 3 of 9 steps, 40 passes",
    paper_figure="0.953 on Google's speech commands (35 words), 0.951 on SHD; ImageNet in space",
    parts=(
        part("Fashion-MNIST", with_core, SPACE),
        part("control, Fashion-MNIST, dense kernels", dense, SPACE),
        part("control, Fashion-MNIST, taps where chance put them", changed, SPACE, "still", STILL),
        part(_keywords(SEEDS[0]), with_core, TIME),
        *(part(_keywords(seed), changed, TIME, f"seed-{seed}", {"seed": seed}) for seed in SEEDS[1:]),
        *(part(_all_steps(seed), changed, TIME, f"all-{seed}", ALL_STEPS | {"seed": seed}) for seed in SEEDS),
    ),
    goals=goals,
)
