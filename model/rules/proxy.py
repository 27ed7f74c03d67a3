"""Proxy learning: a network of rectified neurons with the same weights carries the spiking one's error back.

Kheradpisheh, Mirsadeghi & Masquelier, "Spiking neural networks trained via proxy", IEEE Access 10, 2022
(arXiv 2109.13208). Both networks see the image, each by itself: the spiking one, whose integrate-and-fire
neurons are those of the core, and its proxy, in which the rate r of a neuron per step is a real number:

    r = min(1, max(0, (sum of integer weights * rates before + bias) / threshold))

The paper has no upper limit. A neuron of the core spikes at most once a step, though, and without a limit
rates and spikes drift apart as training goes on.

Then the spiking network's output takes the place of the proxy's, and the error of that output goes back
through the proxy. Outputs are membranes, summed over the steps (`readout = "membrane"`), of which a constant
current I makes (T + 1) / 2 * I in the mean; the largest one answers, and the loss is their cross-entropy.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...numerics.errors import out_of_range
from ...quant.layers.base import QuantLayer
from ...quant.layers.relay import Relay
from ..inputs.events import Events
from ..loss.losses import summed_loss
from ..network.network import SpikingLayer, SpikingNetwork
from ..network.wiring import combined
from .base import Batch, Diverged, Means
from .optimised import Optimised
from .optimiser import make_optimiser


class Proxy(Optimised):
    """One step of AdamW per batch, along gradients that no spike takes part in."""

    def __init__(self, network: SpikingNetwork, means: Means):
        super().__init__(network, means, make_optimiser(network, means.settings))
        for index, layer in enumerate(network.layers):
            _check(layer, f"layers.{index}")
        if not network.layers[-1].sums:
            raise out_of_range("readout", "emd", "membrane, where training.rule is proxy")
        if means.ranks.world > 1:
            raise out_of_range("training.rule", "proxy", "surrogate, in several processes")
        if means.cost:
            raise out_of_range(
                "training.cycles_weight", means.settings.cycles_weight, "0, by training.rule proxy"
            )

    def step(self, network: nn.Module, batch: Batch) -> dict[str, float]:
        with torch.no_grad():
            trains = self.network(batch.spikes)
            unit = self.network.synapses[-1].integers()[2].mean()
            spiking = trains[-1].mean(0)
        proxy = self.outputs(batch.spikes)
        # Its value is the spiking network's, its gradient the proxy's.
        output = proxy + (spiking - proxy).detach()
        loss = summed_loss(output, batch.labels, unit, self.means.settings.temperature)
        if not math.isfinite(loss.item()):
            raise Diverged(f"its loss is {loss.item()}")
        self.optimiser.zero_grad()
        loss.backward()
        self.descend(batch.learning_rate)
        trains[-1] = trains[-1].abs()  # the log says how large they are; there are no spikes
        spikes = {f"layer {i}": len(train) * train.mean().item() for i, train in enumerate(trains)}
        return {"loss": loss.item(), **spikes}

    def outputs(self, spikes: Tensor | Events) -> Tensor:
        """Mean membranes [B, outputs] that the proxy has for input spikes [T, B, inputs]."""
        dense = spikes if isinstance(spikes, Tensor) else spikes.as_tensor()
        first, steps = self.network.synapses[0], len(dense)
        entering = dense[0] if first.hold else dense.mean(0)
        rates: list[Tensor] = []
        for index, (layer, stage) in enumerate(zip(self.network.layers, self.network.stages, strict=True)):
            sources = stage.wiring.sources or (index - 1,)
            seen = [entering if source < 0 else rates[source] for source in sources]
            arriving = combined(seen, stage.wiring.combine)
            rates.append(
                stage(arriving) if isinstance(layer, Relay) else _driven(stage, arriving, layer.sums)
            )
        return rates[-1] * (steps + 1) / 2


def _driven(synapses: QuantLayer, rates: Tensor, sums: bool) -> Tensor:
    """Rates [B, neurons], or the currents of a layer that never fires, for rates [B, inputs]."""
    weight, bias, threshold = synapses.integers()
    current = synapses.product(rates, weight, bias)
    if sums:
        return current
    places = current.unflatten(-1, (-1, len(threshold)))
    return (places / threshold).clamp(0, 1).flatten(-2)


def _check(layer: nn.Module, where: str) -> None:
    """Raise TwinspikeError for a layer that has no proxy."""
    rule = "where training.rule is proxy"
    if not isinstance(layer, SpikingLayer):
        if layer.geometry.kind == "delay":
            raise out_of_range(f"{where}.kind", "delay", f"a layer without time, {rule}")
        return
    spec = layer.synapses.spec
    if spec.leak_shift or spec.forget:
        raise out_of_range(f"{where}.leak_shift", spec.leak_shift, f"0 and forget = false, {rule}")
    if spec.single_spike:
        raise out_of_range(f"{where}.single_spike", True, f"false, {rule}")
    if spec.reset != "subtract":
        raise out_of_range(f"{where}.reset", spec.reset, f"subtract, {rule}")
    if getattr(layer.synapses, "batch", False):
        raise out_of_range(f"{where}.norm", "batch", f"weight or none, {rule}")
