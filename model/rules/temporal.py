"""Backpropagation on firing times, for neurons without leak that spike once: S4NN and BS4NN.

Kheradpisheh & Masquelier, "S4NN: temporal backpropagation for spiking neural networks with one spike per
neuron", 2020 (arXiv 1910.09495), and with binary weights Kheradpisheh, Mirsadeghi & Masquelier, "BS4NN", 2021
(arXiv 2007.04039). The output that spikes first answers. Its targets are relative to the first spike of all:

    target of the image's class = first,  of others = max(t, first + gap);  where no output spikes,
    T - gap and T;  error = (target - t) / T, divided by its Euclidean norm over the layer

An input pushes a neuron if it spiked no later than the neuron did (or at all, where the neuron is silent). So
with a step as unit, and errors e of a layer, those of the layer before, and what a weight w has as gradient:

    e_i = sum over j of e_j * w_ji [t_i <= t_j], normalised likewise;   gradient of w_ji = e_j [t_i <= t_j]

Real-valued weights learn, and carry errors back; their integers, signs at 1 bit, make the spikes. Where a
layer has one scale (`layer_scale`), it learns by the same errors.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from ...numerics.errors import out_of_range
from ...quant.layers.base import QuantLayer
from ...quant.network import References
from ..inputs.events import Events, events_of_spikes
from ..network.network import SpikingLayer, SpikingNetwork
from .base import Batch, Diverged, Means
from .optimised import Optimised
from .optimiser import make_optimiser


class Temporal(Optimised):
    """One step of AdamW per batch; the papers take one of plain gradient descent per image."""

    def __init__(self, network: SpikingNetwork, means: Means):
        super().__init__(network, means, make_optimiser(network, means.settings))
        for index, layer in enumerate(network.layers):
            _check(layer, f"layers.{index}", index)
        if means.ranks.world > 1:
            raise out_of_range("training.rule", "temporal", "surrogate, in several processes")

    def step(self, network: nn.Module, batch: Batch) -> dict[str, float]:
        with torch.no_grad():
            trains = self.network(batch.spikes)
            times = [firing_times(train) for train in trains]
            steps = len(trains[0])
            wanted = target_times(times[-1], batch.labels, steps, self.means.settings.gap)
            error = (wanted - times[-1]) / steps
            loss = error.square().sum(1).mean().item() / 2
            if not math.isfinite(loss):
                raise Diverged(f"its loss is {loss}")
            for index in reversed(range(len(trains))):
                synapses = self.network.synapses[index]
                error = nn.functional.normalize(error, dim=1)
                seen = trains[index - 1] if index else batch.spikes
                _set_gradients(synapses, seen, error, times[index])
                if index:
                    error = error_before(synapses.weight, error, times[index - 1], times[index], steps)
        self.descend(batch.learning_rate)
        return {"loss": loss, **{f"layer {i}": steps * train.mean().item() for i, train in enumerate(trains)}}

    def references(self, labels: np.ndarray) -> References:
        """A spike of one output in step 0 for each class: the nearest by EMD is the output that spikes first.

        With t_n the step of output n, T if it is silent, the distance to the reference of k is
        t_k + sum over n != k of (T - t_n): what grows with t_k alone, beside what is the same for all k.
        """
        outputs = self.network.synapses[-1].geometry.neurons
        counts = np.zeros((len(labels), self.network.timesteps, outputs), np.uint8)
        counts[np.arange(len(labels)), :, labels] = 1
        return References(counts, labels.astype(np.int32))


def firing_times(train: Tensor) -> Tensor:
    """Steps [B, N] of the spikes of a train [T, B, N] with at most one a neuron; T where there is none."""
    steps = len(train)
    # As many cumulative counts are 0 as steps come before the spike.
    early = steps - torch.arange(steps, dtype=train.dtype, device=train.device)
    return steps - (early @ train.flatten(1)).view(train.shape[1:])


def target_times(times: Tensor, labels: Tensor, steps: int, gap: float) -> Tensor:
    """Targets [B, outputs] of the outputs' steps, for labels [B]."""
    first = times.amin(1, keepdim=True)
    silent = first == steps
    later = torch.maximum(times, (first + gap).clamp(max=steps))
    own = torch.where(silent, steps - gap, first)
    mine = nn.functional.one_hot(labels, times.shape[1]).bool()
    return torch.where(mine, own, later)


def error_before(weight: Tensor, error: Tensor, before: Tensor, times: Tensor, steps: int) -> Tensor:
    """Errors [B, inputs] that errors [B, N] and weights [N, inputs] send back to inputs that spiked in time.

    `before` [B, inputs] and `times` [B, N] are steps, `steps` meaning silence.
    """
    found = torch.zeros_like(before)
    for row, mine, when in zip(weight, error.T, times.T, strict=True):
        in_time = before <= when.clamp(max=steps - 1)[:, None]
        found.addcmul_(in_time.to(row.dtype) * row, mine[:, None])
    return found


def _set_gradients(synapses: QuantLayer, seen: Tensor | Events, error: Tensor, times: Tensor) -> None:
    """Gradients of a layer's parameters for errors [B, N] of its firing times [B, N]."""
    events = events_of_spikes(seen) if isinstance(seen, Tensor) else seen
    step = torch.arange(events.shape[0], dtype=times.dtype, device=times.device)[:, None, None]
    by_weight = events.by_weight((step <= times) * error) / len(error)
    synapses.weight.grad = by_weight
    synapses.bias.grad = torch.zeros_like(synapses.bias)
    if synapses.level is not None:
        weight, _ = synapses.tensor()
        synapses.level.grad = (by_weight * weight).mean(1).mean().expand_as(synapses.level).clone()


def _check(layer: nn.Module, where: str, index: int) -> None:
    """Raise TwinspikeError for a layer whose neurons are not those of the rule."""
    rule = "where training.rule is temporal"
    kind = layer.synapses.geometry.kind if isinstance(layer, SpikingLayer) else "relay"
    if not isinstance(layer, SpikingLayer) or kind != "dense":
        raise out_of_range(f"{where}.kind", kind, f"dense, {rule}")
    spec = layer.synapses.spec
    if not spec.single_spike:
        raise out_of_range(f"{where}.single_spike", False, f"true, {rule}")
    if spec.leak_shift or spec.forget:
        raise out_of_range(f"{where}.leak_shift", spec.leak_shift, f"0 and forget = false, {rule}")
    if layer.sums:
        raise out_of_range("readout", "membrane", f"emd, {rule}")
    if layer.synapses.wiring.sources not in ((), (index - 1,)) or layer.synapses.hold:
        raise out_of_range(f"{where}.sources", list(layer.synapses.wiring.sources), f"none, {rule}")
