"""Proxy learning: rectified neurons with the same weights carry the spiking network's error back."""

from .cores import core_goal
from .method import Goal, Method, Part, Row
from .training import changed, part, with_core

FASHION, CIFAR = "proxy", "proxy-cifar10"
WANTED = 0.92
FASHION_PART, CIFAR_PART = "Fashion-MNIST", "CIFAR-10, JPEG q75"
# A step of the surrogate rule, which goes back through every time step, takes about twice as long.
CONTROL_PASSES = 12
# What the surrogate rule needs: larger weights to begin with, and a larger rate, which does better on images
# held out. It has no price of spikes here either.
CONTROL = {
    "training": {
        **{"rule": "surrogate", "epochs": CONTROL_PASSES, "learning_rate": 1e-2},
        **{"initial_gain": 1.0, "activity_weight": 0.0},
    }
}


def goals(parts: dict[str, Row]) -> list[Goal]:
    score = parts[FASHION_PART]["accuracy"]
    what = "accuracy on Fashion-MNIST's 10,000 test images"
    found = [Goal(what, f"{score:.4f}", f"{WANTED:.3f}", score >= WANTED)]
    for name in (FASHION_PART, CIFAR_PART):
        mine, other = (parts[one]["accuracy"] for one in (name, _control(name)))
        what = f"accuracy on the 10,000 test images of {name}, beside the surrogate rule"
        found.append(Goal(what, f"{mine:.4f}", f"above {other:.4f}", mine > other))
    for name in (FASHION_PART, CIFAR_PART):
        found.append(core_goal(parts[name]["core"], what=f"core in simulation, {name}"))
    return found


def _control(name: str) -> str:
    return f"control, {name}, in the same processor time"


def _control_part(name: str, config: str) -> Part:
    return part(_control(name), changed, config, "control", CONTROL)


METHOD = Method(
    name="proxy",
    title="Proxy learning",
    arxiv=("2109.13208",),
    implemented="a network of integrate-and-fire neurons and one of rectified neurons that share all "
    "weights, rates being 1 at most; the first one's output takes the place of the second one's before the "
    "error goes back (`training.rule = proxy`); outputs that never fire, whose membranes, summed, answer",
    missing="batch normalisation and max pools (standardised weights and strides here); a mean squared error "
    "of spike counts (cross-entropy of membranes here); pixels in floating point, 15 or more steps (4 bits, "
    "held, and 6 steps here); layers of 128 channels and more, 100 passes",
    data="Fashion-MNIST: 60,000 images to train, 10,000 to measure, 25 passes; CIFAR-10 as JPEG q75: 50,000 "
    "and 10,000, 24 passes; convolutions of 16, 32 and 32 channels",
    paper_figure="0.9456 on Fashion-MNIST, five convolutional layers; 0.9311 on CIFAR-10",
    parts=(
        part(FASHION_PART, with_core, FASHION),
        _control_part(FASHION_PART, FASHION),
        part(CIFAR_PART, with_core, CIFAR),
        _control_part(CIFAR_PART, CIFAR),
    ),
    goals=goals,
    ties="a tie of the largest outputs counts as right if the label's is among them",
)
