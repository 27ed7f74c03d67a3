"""The optimiser: Adam with decoupled weight decay."""

import torch

from ..network.network import SpikingNetwork
from ..settings import TrainingSettings


def make_optimiser(network: SpikingNetwork, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Adam; weights decay apart from their gradient (Loshchilov & Hutter, 2019), biases and gains do not.

    A neuron's weights only count relative to each other, and their size sets how fine its integer
    threshold is: decay keeps weights of few bits from growing until thresholds are tiny.
    """
    # Layers may share a weight, which learns once.
    weights = list(dict.fromkeys(synapses.weight for synapses in network.synapses))
    biases = [parameter for stage in network.stages for parameter in stage.others]
    groups = [
        {"params": weights, "weight_decay": settings.weight_decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
