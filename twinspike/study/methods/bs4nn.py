"""BS4NN: one spike per neuron, weights -1 and +1, backpropagation on firing times."""

from .cores import core_goal
from .method import Goal, Method, Row
from .training import control, part, with_core

CONFIG = "bs4nn"
WANTED = 0.970


def goals(parts: dict[str, Row]) -> list[Goal]:
    mine = parts["MNIST, 1 bit"]
    score = mine["accuracy"]
    return [
        Goal("accuracy on MNIST's 10,000 test images", f"{score:.4f}", f"{WANTED:.3f}", score >= WANTED),
        core_goal(mine["core"]),
    ]


METHOD = Method(
    name="bs4nn",
    title="Binary weights and one spike per neuron, trained by firing times",
    arxiv=("2007.04039", "1910.09495"),
    implemented="neurons without leak that spike once, the first output spike answers; backpropagation on "
    "firing times with relative targets and normalised errors; real-valued weights learn and their signs "
    "run; a learnt scale for each layer (`training.rule = temporal`, `layer_scale`)",
    missing="an update after each image (batches of 100 and Adam here); 256 steps and 200 passes (16 steps, "
    "8 passes here); a step of delay in each layer; the largest membrane where no output spikes; "
    "Fashion-MNIST",
    data="MNIST: 60,000 images to train, 10,000 to measure; 784-600-10, T = 16, pixels below 32 silent",
    paper_figure="0.970 on MNIST's 10,000 test images, 784-600-10",
    parts=(
        part("MNIST, 1 bit", with_core, CONFIG),
        part("control, MNIST, 1 bit", control, CONFIG),
    ),
    goals=goals,
    ties="a tie of the first output spikes counts as right if the label's is among them",
)
