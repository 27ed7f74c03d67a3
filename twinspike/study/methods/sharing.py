"""Weight sharing: layers of one shape have one weight tensor, and thresholds of their own."""

from functools import partial

from .cores import exact
from .method import Goal, Method, Part, Row
from .training import changed, depends_on, with_core

CONFIG = "sharing"
MORE = 0.02
SHARED, UNSHARED = "shared", "control, not shared"
# A layer without it has weights of its own.
OWN = {"layers": {"weights_of": -1}}


def goals(parts: dict[str, Row]) -> list[Goal]:
    mine, other = parts[SHARED], parts[UNSHARED]
    least, core = other["accuracy"] - MORE, mine["core"]
    ours = "no membrane, answer or clock differs" if exact(core) else "differences"
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
        Goal("core in simulation", ours, "none differs", exact(core)),
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
        Part(SHARED, with_core, (CONFIG,), partial(depends_on, CONFIG)),
        Part(UNSHARED, changed, (CONFIG, "unshared", OWN), partial(depends_on, CONFIG)),
    ),
    goals=goals,
)
