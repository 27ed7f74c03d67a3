"""BS4NN: one spike per neuron, weights -1 and +1, backpropagation on firing times."""

from functools import partial

from .cores import exact
from .method import Goal, Method, Part, Row
from .training import control, depends_on, with_core

CONFIG = "bs4nn"
WANTED = 0.970


def goals(parts: dict[str, Row]) -> list[Goal]:
    mine = parts["MNIST, 1 bit"]
    score, core = mine["accuracy"], mine["core"]
    ours = "no spike, answer or clock differs" if exact(core) else "differences"
    return [
        Goal("accuracy on MNIST's 10,000 test images", f"{score:.4f}", f"{WANTED:.3f}", score >= WANTED),
        Goal("core in simulation", ours, "none differs", exact(core)),
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
        Part("MNIST, 1 bit", with_core, (CONFIG,), partial(depends_on, CONFIG)),
        Part("control, MNIST, 1 bit", control, (CONFIG,), partial(depends_on, CONFIG)),
    ),
    goals=goals,
    ties="a tie of the first output spikes counts as right if the label's is among them",
)
