"""Weight sharing: layers of one shape have one weight tensor, and thresholds of their own."""

from .cores import core_goal
from .method import Goal, Method, Row
from .training import changed, part, with_core

CONFIG = "sharing"
MORE = 0.02
SHARED, UNSHARED = "shared", "control, not shared"
# A layer without it has weights of its own.
OWN = {"layers": {"weights_of": -1}}


def goals(parts: dict[str, Row]) -> list[Goal]:
    mine, other = parts[SHARED], parts[UNSHARED]
    least = other["accuracy"] - MORE
    return [
        Goal(
            "accuracy on Fashion-MNIST's 10,000 test images",
            f"{mine['accuracy']:.4f}",
            f"{least:.4f}, {MORE:.2f} below the one that shares nothing",
            mine["accuracy"] >= least,
        ),
        Goal(
            "weights",
            f"{mine['weights']:,} of {mine['weight_memory_bits']:,} bits",
            f"fewer than {other['weights']:,} of {other['weight_memory_bits']:,} bits",
            mine["weights"] < other["weights"],
        ),
        core_goal(mine["core"], compared="membrane"),
    ]


METHOD = Method(
    name="sharing",
    title="One weight tensor for layers of one shape",
    arxiv=("2210.14151",),
    implemented="a weight tensor that four convolutions share and learn together, stored once in the "
    "network's file and in one memory of the core, which each layer reads through a port of its own; "
    "thresholds, biases and normalisation of each layer (`weights_of`, `norm = batch`)",
    missing="networks of ImageNet's and CIFAR's size; the paper's own choice of what is shared. A block of "
    "RAM has two ports at most, so synthesis copies the blocks of the one memory",
    data="Fashion-MNIST: 60,000 images to train, 10,000 to measure; four convolutions 3x3 of 16 channels "
    "behind one of 7x7, 6 passes",
    paper_figure="see the paper: its networks and data are larger",
    parts=(
        part(SHARED, with_core, CONFIG),
        part(UNSHARED, changed, CONFIG, "unshared", OWN),
    ),
    goals=goals,
)
