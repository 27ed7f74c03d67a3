"""S4NN and BS4NN: one spike per neuron, backpropagation on firing times, weights of 8 bits or -1 and +1."""

from .cores import accuracy_and_core_goals
from .method import Goal, Method, Row
from .training import control, part, with_core

MNIST, FASHION, REAL = "bs4nn", "bs4nn-fashion", "s4nn"
WANTED = {"MNIST, 1 bit": 0.970, "Fashion-MNIST, 1 bit": 0.873}
# Of the surrogate rule.
CONTROL_PASSES = 2


def goals(parts: dict[str, Row]) -> list[Goal]:
    return accuracy_and_core_goals(parts, WANTED)


METHOD = Method(
    name="bs4nn",
    title="One spike per neuron, trained by firing times (S4NN), and weights of one bit (BS4NN)",
    arxiv=("2007.04039", "1910.09495"),
    implemented="neurons without leak that spike once, the first output spike answers; backpropagation on "
    "firing times with relative targets and errors normalised image by image; Adam on batches of 20 images; "
    "weights that start positive; real-valued weights learn and their signs run, or their 8 bits; a learnt "
    "scale for each layer (`training.rule = temporal`, `layer_scale`, `initial_weights`)",
    missing="256 steps and 200 passes (64 steps and 12 or 20 passes here, at a rate that falls); plain "
    "descent after each image; a step of delay in each layer; the largest membrane where no output spikes",
    data="MNIST and Fashion-MNIST: 60,000 images to train, 10,000 to measure; 784-600-10 and 784-1000-10, "
    "T = 64, pixels below 16 silent",
    paper_figure="0.970 on MNIST and 0.873 on Fashion-MNIST at 1 bit, 0.004 and 0.007 below real-valued "
    "weights (its abstract)",
    parts=(
        part("MNIST, 1 bit", with_core, MNIST),
        part("Fashion-MNIST, 1 bit", with_core, FASHION),
        part("MNIST, 8 bits", with_core, REAL),
        part("control, MNIST, 1 bit", control, MNIST, CONTROL_PASSES),
    ),
    goals=goals,
    ties="a tie of the first output spikes counts as right if the label's is among them (the authors' code)",
)
