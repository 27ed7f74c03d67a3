"""What the rules that follow gradients share: an optimiser, and its state in checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor

from ..network.network import SpikingNetwork
from .base import Means, Rule


class Optimised(Rule):
    """A rule that steps an optimiser of the network's parameters."""

    def __init__(self, network: SpikingNetwork, means: Means, optimiser: torch.optim.Optimizer):
        super().__init__(network, means)
        self.network, self.optimiser = network, optimiser

    def descend(self, learning_rate: float) -> None:
        """One step along the gradients that the parameters have."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        self.optimiser.step()

    def state(self) -> dict[str, Tensor]:
        return {
            f"optimiser.{name}.{key}": value
            for name, parameter in self.network.named_parameters()
            for key, value in self.optimiser.state.get(parameter, {}).items()
        }

    def prime(self) -> None:
        """Adam's state tensors appear at the first step: take one with a rate and gradients of 0."""
        for group in self.optimiser.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.zeros_like(parameter)
        self.descend(0.0)
        self.optimiser.zero_grad()
