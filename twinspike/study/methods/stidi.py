"""STiDi-BP: desired displacements of firing times, layer by layer, through convolutions of binary weights."""

from .cores import accuracy_and_core_goals
from .method import Goal, Method, Row
from .training import changed, control, part, with_core

MNIST, FASHION = "stidi", "stidi-fashion"
WANTED = {"MNIST, 1 bit": 0.985, "Fashion-MNIST, 1 bit": 0.90}
# 8 bits stand for real-valued weights; membranes are as wide as their sums need.
WIDTHS = (13, 17, 20)
REAL = {"layers": [{"weight_bits": 8, "state_bits": width} for width in WIDTHS]}
CONTROL_PASSES = 1


def goals(parts: dict[str, Row]) -> list[Goal]:
    return accuracy_and_core_goals(parts, WANTED)


METHOD = Method(
    name="stidi",
    title="Displacement of firing times (STiDi-BP) in convolutions",
    arxiv=("2108.13621",),
    implemented="neurons that spike once, the first output spike answers; each layer learns by itself "
    "from how far its neurons ought to be displaced in time, and no gradient goes from layer to layer; the "
    "derivative of a latency taken as linear, potentials piecewise linear or in their step form in it "
    "(`training.rule = stidi`, `rise`); convolutions whose real-valued weights learn and whose signs run, "
    "and the same at 8 bits",
    missing="piecewise linear potentials in the spiking network itself: its integer step form here; pooling "
    "(strides here); the paper's sizes, targets and constants, of which only its abstract was at hand",
    data="MNIST and Fashion-MNIST: 60,000 images to train, 10,000 to measure; convolutions of 32 and 64 "
    "channels and a dense layer, T = 64, pixels below 16 silent, 15 and 10 passes",
    paper_figure="0.992 on MNIST and 0.928 on Fashion-MNIST with real-valued weights, about 0.006 and 0.008 "
    "less with binary ones (its abstract)",
    parts=(
        part("MNIST, 1 bit", with_core, MNIST),
        part("Fashion-MNIST, 1 bit", with_core, FASHION),
        part("MNIST, 8 bits", changed, MNIST, "8-bits", REAL),
        part("control, MNIST, 1 bit", control, MNIST, CONTROL_PASSES),
    ),
    goals=goals,
    ties="not in its abstract; the table of networks counts ties as the authors' BS4NN does as well",
)
