"""What every step needs of a configuration: the plan of its core and its test images."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from twinspike.config import Config
from twinspike.hw.plan import CorePlan, plan_for
from twinspike.hw.plan.pixel_encodings import makes
from twinspike.hw.settings import HardwareSettings
from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.quant.network import Network

if TYPE_CHECKING:
    from twinspike.hw.board.description import Board


def make_plan_for(config: Config | None, network: Network, target: str) -> CorePlan:
    """The plan of a configuration's core for one target; without a configuration, by the defaults."""
    hardware = HardwareSettings() if config is None else _settings_for(config, network)
    return plan_for(network, hardware, target)


def _settings_for(config: Config, network: Network) -> HardwareSettings:
    """The configuration's hardware, as far as it suits the network.

    For a network of other sizes, given by hand, the plan follows from the network alone: lanes, events per
    clock and slots were chosen for another one.
    """
    found = [(x.kind, x.synapses.channels if x.synapses.fires else 0) for x in network.layers]
    if found == [(layer.kind, layer.width) for layer in config.layers]:
        return config.hardware
    return dataclasses.replace(config.hardware, lanes=(), events_per_clock=(), slots=0, pixels=False)


def test_images(
    config: Config, network: Network, frames: int, *, all_classes: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The first test images and labels; with `all_classes` also those that training left out."""
    from twinspike.model.data.load import check_data, complete_dataset, config_dataset

    if frames < 1:
        raise out_of_range("frames", frames, "an integer >= 1")
    dataset = complete_dataset(config) if all_classes else config_dataset(config)
    if dataset.test_images.shape[1:] != network.shape:
        raise TwinspikeError(
            f"network {network.name} takes images of {network.shape}, dataset {config.dataset} has "
            f"{dataset.test_images.shape[1:]}: choose the configuration that it was trained with"
        )
    check_data(network, dataset, config)
    return dataset.test_images[:frames], dataset.test_labels[:frames]


def board_plan(config: Config, network: Network, chosen: Board) -> CorePlan:
    """The core of a configuration as a board has it: slots to enrol into, an encoder where it fits."""
    references = len(network.references.labels)
    # A board's lanes are those of dense layers; layers on maps have rules of their own, or the lanes that the
    # configuration chose for this device.
    layers = [layer for layer in network.layers if layer.synapses.fires]
    suits = len(chosen.lanes) == len(layers) and all(
        layer.kind == "dense" and lanes <= layer.neurons
        for lanes, layer in zip(chosen.lanes, layers, strict=True)
    )
    own = _settings_for(config, network)
    own_lanes = own.lanes if chosen.target in own.targets else ()
    hardware = dataclasses.replace(
        own,
        lanes=chosen.lanes if suits else own_lanes,
        events_per_clock=(),
        slots=own.slots or (references + chosen.free_slots if references else 0),
        pixels=makes(network),
    )
    return plan_for(network, hardware, chosen.target)
