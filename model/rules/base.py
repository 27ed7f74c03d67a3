"""What every learning rule offers to the training loop, which knows nothing of how it learns."""

from __future__ import annotations

import abc
import dataclasses
import importlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...quant.network import References
from ..inputs.events import Events
from ..loss.cycles import CycleCost
from ..network.network import SpikingNetwork
from ..settings import RULES, TrainingSettings
from .ranks import Ranks


class Batch(NamedTuple):
    """Input spikes [T, B, A] (or events) of this process's share, and the labels [B] of the whole batch."""

    spikes: Tensor | Events
    labels: Tensor
    learning_rate: float


@dataclasses.dataclass(frozen=True)
class Means:
    """What a rule may learn with: settings, the other processes, and the core's clocks where they count."""

    settings: TrainingSettings
    ranks: Ranks
    cost: CycleCost | None = None


class Diverged(Exception):
    """A step's loss is not finite; the message says what it is."""


class Rule(abc.ABC):
    """One way to train; made once for a network, and stepped with every batch."""

    def __init__(self, network: SpikingNetwork, means: Means):
        self.means = means

    @abc.abstractmethod
    def step(self, network: nn.Module, batch: Batch) -> dict[str, float]:
        """Change the weights by one batch; `network` is the one of this rule, shared by the processes.

        Returns the figures that the log adds up: `loss`, and `layer 0`, `layer 1`, ... with the mean spikes
        per neuron and image. Raises Diverged.
        """

    def state(self) -> dict[str, Tensor]:
        """Tensors beside the weights, by name, that a checkpoint keeps: the live ones."""
        return {}

    def prime(self) -> None:  # noqa: B027 (a rule without state has nothing to do)
        """Make every tensor of :meth:`state` exist, as the first step would, without moving a weight."""

    def references(self, labels: np.ndarray) -> References | None:
        """The references of the classes `labels` [K], where the rule says which output stands for a class.

        None: they are made of the training images' spikes.
        """
        return None

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on with the state of a checkpoint, whose names and shapes are those of :meth:`state`."""
        with torch.no_grad():
            for name, live in self.state().items():
                live.copy_(tensors[name])


def make_rule(network: SpikingNetwork, means: Means) -> Rule:
    """The rule that `training.rule` names."""
    module, name = RULES[means.settings.rule]
    return getattr(importlib.import_module(f"{__package__}.{module}"), name)(network, means)
