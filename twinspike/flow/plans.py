"""What every step needs of a configuration: the plan of its core and its test images."""

import numpy as np

from twinspike.config import Config
from twinspike.flow.folders import GENERIC, Folders, find_network
from twinspike.hw.board.boards import Board
from twinspike.hw.plan import CorePlan, make_plan
from twinspike.hw.plan.pixel_codings import makes
from twinspike.hw.settings import CHECKS
from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.quant.network import Network


def needs_own_simulation(config: Config, place: Folders, target: str) -> bool:
    """Whether a target's core differs in kind from the portable one: its weights come over a port."""
    if target == GENERIC:
        return True
    plan = make_plan_for(config, find_network(place, config), target)
    return any(layer.memory == "spram" for layer in plan.layers)


def make_plan_for(config: Config, network: Network, target: str):
    """The plan of a configuration's core for one target."""
    from twinspike.hw.plan import make_plan
    from twinspike.hw.settings import CHECKS

    # A network given by hand may have other layers than the configuration.
    fitting = [
        numbers if len(numbers) == len(network.layers) else ()
        for numbers in (config.hardware.lanes, config.hardware.banks)
    ]
    hardware = config.hardware
    return make_plan(
        network,
        fitting[0],
        target,
        fitting[1],
        CHECKS[hardware.check_duplicates],
        hardware.slots,
        hardware.pixels,
    )


def test_images(
    config: Config, network: Network, frames: int, *, all_classes: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The first test images and labels; with `all_classes` also those that training left out."""
    from twinspike.model.datasets import dataset_with_all_classes, load_dataset

    if frames < 1:
        raise out_of_range("frames", frames, "an integer >= 1")
    whole = dataset_with_all_classes(config.dataset) if all_classes else None
    dataset = whole or load_dataset(config.dataset)
    if dataset.test_images.shape[1:] != network.shape:
        raise TwinspikeError(
            f"network {network.name} takes images of {network.shape}, dataset {config.dataset} has "
            f"{dataset.test_images.shape[1:]}: choose the configuration that it was trained with"
        )
    return dataset.test_images[:frames], dataset.test_labels[:frames]


def board_plan(config: Config, network: Network, chosen: Board) -> CorePlan:
    """The core of a configuration as a board has it: slots to enrol into, an encoder where it fits."""
    references = len(network.references.labels)
    slots = config.hardware.slots or (references + chosen.free_slots if references else 0)
    lanes = chosen.lanes if len(chosen.lanes) == len(network.layers) else ()
    return make_plan(
        network, lanes, chosen.target, (), CHECKS[config.hardware.check_duplicates], slots, makes(network)
    )
