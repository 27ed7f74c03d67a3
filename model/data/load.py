"""The dataset of a configuration: one that has a name, or files of one's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...numerics.encodings import Encoding
from ...numerics.errors import TwinspikeError
from .dataset import Dataset
from .own import load_own
from .recorded import RECORDED, load_recorded
from .settings import DataSettings
from .shipped import DATASETS, load_dataset

if TYPE_CHECKING:
    from ...config import Config
    from ...quant.network import Network


def config_dataset(config: Config, *, progress: bool = True) -> Dataset:
    """The dataset that a configuration names, its own files read as its encoder takes them.

    Without the classes that `data.classes` leaves out, and with those of `data.beside`. Raises
    TwinspikeError, one line, for data that is missing or bad.
    """
    dataset = complete_dataset(config, progress=progress).of_classes(config.data.classes)
    if config.data.beside:
        return dataset.beside(load_dataset(config.data.beside, progress=progress))
    return dataset


def complete_dataset(config: Config, *, progress: bool = True) -> Dataset:
    """As :func:`config_dataset`, but with the classes that training leaves out."""
    if config.dataset in DATASETS:
        return load_dataset(config.dataset, progress=progress)
    settings = dataclasses.replace(config.data, classes=0, beside="")
    how = (settings, config.encoder, config.timesteps, progress)
    if config.dataset in RECORDED:
        return _kept(load_recorded, config.dataset, *how)
    return _kept(load_own, config.dataset_path, *how)


# One dataset is asked for several times in a step; two would be a lot of memory.
@lru_cache(maxsize=1)
def _kept(
    load: Callable[..., Dataset],
    where: Path | str,
    settings: DataSettings,
    encoding: Encoding,
    timesteps: int,
    progress: bool,
) -> Dataset:
    return load(where, settings, encoding, timesteps, progress=progress)


def check_data(network: Network, dataset: Dataset, config: Config) -> None:
    """Raise TwinspikeError if files of one's own are others than those that the network was trained on."""
    made = network.provenance.get("data_checksums")
    if config.dataset in DATASETS or not isinstance(made, dict):
        return
    for name, sha256 in dataset.checksums.items():
        if name in made and made[name] != sha256:
            raise TwinspikeError(
                f"dataset {config.dataset} has changed since {network.name} was trained (SHA-256 "
                f"{str(made[name])[:12]}..., now {sha256[:12]}...): put it back, or train again"
            )
