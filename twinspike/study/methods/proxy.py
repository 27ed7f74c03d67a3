"""Proxy learning: rectified neurons with the same weights carry the spiking network's error back."""

from .cores import core_goal
from .method import Goal, Method, Row
from .training import changed, part, with_core

CONFIG = "proxy"
WANTED = 0.92
# A step of the surrogate rule, which goes back through every time step, takes about twice as long.
CONTROL_PASSES = 5
# What the surrogate rule needs: larger weights to begin with. It has no price of spikes here either.
CONTROL = {
    "training": {
        "rule": "surrogate",
        "epochs": CONTROL_PASSES,
        "initial_gain": 1.0,
        "activity_weight": 0.0,
    }
}


def goals(parts: dict[str, Row]) -> list[Goal]:
    mine = parts["Fashion-MNIST"]
    other = parts["control, in the same processor time"]["accuracy"]
    score = mine["accuracy"]
    return [
        Goal(
            "accuracy on Fashion-MNIST's 10,000 test images", f"{score:.4f}", f"{WANTED:.3f}", score >= WANTED
        ),
        Goal("the same beside the surrogate rule", f"{score:.4f}", f"above {other:.4f}", score > other),
        core_goal(mine["core"]),
    ]


METHOD = Method(
    name="proxy",
    title="Proxy learning",
    arxiv=("2109.13208",),
    implemented="a network of integrate-and-fire neurons and one of rectified neurons that share all "
    "weights; the first one's output takes the place of the second one's before the error goes back "
    "(`training.rule = proxy`); outputs that never fire, whose membranes, summed, answer",
    missing="batch normalisation and max pools (standardised weights and strides here); a mean squared error "
    "of spike counts (cross-entropy of membranes here); pixels in floating point, 15 or more steps (4 bits, "
    "held, and 6 steps here); layers of 128 channels and more, 100 passes; CIFAR-10",
    data="Fashion-MNIST: 60,000 images to train, 10,000 to measure; convolutions of 16, 32 and 32 channels, "
    "10 passes",
    paper_figure="0.9456 on Fashion-MNIST, five convolutional layers; 0.9311 on CIFAR-10",
    parts=(
        part("Fashion-MNIST", with_core, CONFIG),
        part("control, in the same processor time", changed, CONFIG, "control", CONTROL),
    ),
    goals=goals,
    ties="a tie of the largest outputs counts as right if the label's is among them",
)
