"""Backpropagation through time with a surrogate gradient, on the distances between spike trains.

The forward pass is the core's own; the backward pass replaces the spike's step function
(model/network/lif.py). The loss pulls spike trains of one class together and pushes those of others apart
(model/loss/losses.py), with optional prices for activity and for clocks of the core.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from ..inputs.trains import mean_spikes
from ..loss.losses import PRICES, embedding_loss, summed_loss
from ..network.network import SpikingNetwork
from .base import Batch, Diverged, Means
from .optimised import Optimised
from .optimiser import make_optimiser


class Surrogate(Optimised):
    """One step of AdamW per batch."""

    def __init__(self, network: SpikingNetwork, means: Means):
        super().__init__(network, means, make_optimiser(network, means.settings))

    def step(self, network: nn.Module, batch: Batch) -> dict[str, float]:
        s, ranks, cost = self.means.settings, self.means.ranks, self.means.cost
        # Hidden spikes themselves matter to few: their means are had without them.
        trains = [ranks.whole(train) for train in network(batch.spikes, write=bool(cost) or ranks.world > 1)]
        fired, targets = self.network.fired(trains), self.network.activity_targets
        if self.network.layers[-1].sums:
            with torch.no_grad():
                unit = self.network.synapses[-1].integers()[2].mean()
            loss = summed_loss(trains[-1].mean(0), batch.labels, unit, s.temperature)
            trains[-1] = trains[-1].abs()  # the log says how large they are; there are no spikes
            fired = self.network.fired([*trains[:-1], torch.zeros_like(trains[-1])])
        else:
            loss = embedding_loss(trains[-1], batch.labels, s)
        total = loss + s.activity_weight * PRICES[s.activity_price](fired, targets)
        if cost:
            arriving = ranks.whole(cost.arriving(batch.spikes), torch.float32)
            total = total + s.cycles_weight * cost.penalty(arriving, trains, s.cycles_target)
        if not math.isfinite(total.item()):
            raise Diverged(f"its loss is {total.item()}")
        self.optimiser.zero_grad()
        ranks.backward(total)
        self.descend(batch.learning_rate)
        spikes = {f"layer {i}": len(train) * mean_spikes(train).item() for i, train in enumerate(trains)}
        return {"loss": loss.item(), **spikes}
