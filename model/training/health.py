"""Networks that cannot learn: found out early, with the setting to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from ...numerics.errors import TwinspikeError
from ..settings import OUTPUTS_ARE_LABELS
from .checkpoint import Progress

if TYPE_CHECKING:
    from ...config import Config
    from ..data.dataset import Dataset

# A layer that did not spike in so many batches of an epoch is given up (at the epoch's end if it has fewer).
SILENT_BATCHES = 100


def check_weights(network: nn.Module, config: Config, progress: Progress) -> None:
    """Raise TwinspikeError if a weight or bias is not finite: no such network may reach a file."""
    for name, value in network.named_parameters():
        if not bool(torch.isfinite(value).all()):
            raise diverged(config, progress, f"{name} holds values that are not finite")


def check_spikes(spikes: Sequence[float], config: Config, progress: Progress, batches: int) -> None:
    """Raise TwinspikeError naming the first layer of which `spikes` is 0, its sum over `batches` batches."""
    for layer, total in enumerate(spikes):
        if total == 0:
            s = config.training
            raise TwinspikeError(
                f"layer {layer} of {config.name} was silent in all of {batches} batches of epoch "
                f"{progress.epoch + 1} and learns nothing: raise training.initial_gain ({s.initial_gain}) "
                f"or training.initial_bias ({s.initial_bias}), or lower training.learning_rate "
                f"({s.learning_rate})"
            )


def check_outputs(config: Config, dataset: Dataset) -> None:
    """Raise TwinspikeError for a label that no output neuron stands for, where they are the answer."""
    by_rule = config.training.rule in OUTPUTS_ARE_LABELS
    if config.readout == "emd" and not by_rule:
        return
    outputs, labels = config.layers[-1].width, dataset.train_labels
    if labels.min() < 0 or labels.max() >= outputs:
        how = f"training.rule = {config.training.rule}" if by_rule else f"readout = {config.readout}"
        raise TwinspikeError(
            f"layers.{len(config.layers) - 1} has {outputs} outputs, but labels run from {labels.min()} to "
            f"{labels.max()}: with {how} there is an output for each label from 0 on"
        )


def diverged(config: Config, progress: Progress, how: str) -> TwinspikeError:
    """The error of a training that went astray `how`, to be raised."""
    return TwinspikeError(
        f"training of {config.name} diverged in epoch {progress.epoch + 1}, after batch {progress.step}: "
        f"{how}; lower training.learning_rate ({config.training.learning_rate})"
    )
