"""Fine-tuning an imported network: quantised training from its real-valued layers, on labelled frames.

The layers are those that training uses (quant/layers/, model/network/lif.py), so the integers that come out
behave in torch and in the core alike. The loss is cross-entropy over output spike counts.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...numerics.errors import TwinspikeError
from ...numerics.progress import Bar
from ...quant.export import integer_layer
from ...quant.floating import FloatLayer
from ...quant.layer import Layer
from ...quant.layers.conv import QuantConv
from ...quant.layers.delay import QuantDelay
from ...quant.layers.dense import QuantDense
from ...quant.layers.pool import QuantPool
from ...quant.layers.relay import Relay
from ...quant.spec import MAX_TRAINED_STATE_BITS, NeuronSpec
from ...quant.synapses.base import Synapses
from ...quant.synapses.conv import Conv, ConvSettings
from ...quant.synapses.delay import Delay
from ...quant.synapses.pool import Pool
from ..network.network import SpikingLayer
from ..rules.schedule import one_cycle

BATCH = 64
# Frames times steps times neurons of the widest layer: a batch of long frames of wide layers is smaller.
MOST_SPIKES = 1 << 24
RATE = 2e-3
SLOPE = 1.0
# A count's worth in the softmax: a winner by two spikes is rather sure.
SHARPNESS = 2.0


def fine_tune(
    start: Sequence[FloatLayer],
    specs: Sequence[NeuronSpec],
    spikes: np.ndarray,
    labels: np.ndarray,
    *,
    epochs: int,
    seed: int = 0,
    progress: bool = True,
) -> tuple[Layer, ...]:
    """Integer layers trained on from real ones.

    start     real layers with the core's leak and reset (`Stages.reset`)
    specs     bits, leak, reset and state of each layer
    spikes    input bool [T, B, in]; labels [B], the index of the output neuron that ought to win

    Raises TwinspikeError for a label that no output neuron stands for, or if the loss diverges.
    """
    outputs = start[-1].neurons
    if labels.min() < 0 or labels.max() >= outputs:
        raise TwinspikeError(
            f"labels run from {labels.min()} to {labels.max()}, but the network has {outputs} outputs: "
            "fine-tuning needs labels that name output neurons"
        )
    trained = [
        _trainable(layer, spec, f"layers.{i}")
        for i, (layer, spec) in enumerate(zip(start, specs, strict=True))
    ]
    # The pools that a layer's inputs pass come before it.
    layers = nn.ModuleList(
        nn.Sequential(*map(_passed, layer.pools), made) for layer, made in zip(start, trained, strict=True)
    )
    inputs = torch.from_numpy(spikes)
    widest = max(layer.neurons for layer in start)
    batch = min(BATCH, max(1, MOST_SPIKES // (len(spikes) * widest)))
    targets = torch.from_numpy(labels.astype(np.int64))
    optimiser = torch.optim.Adam(layers.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(seed)
    steps = math.ceil(len(targets) / batch)
    with Bar(total=epochs * steps, desc="fine-tune", unit="batch", disable=not progress) as bar:
        for epoch in range(epochs):
            order = torch.randperm(len(targets), generator=generator)
            for step in range(steps):
                chosen = order[step * batch : (step + 1) * batch]
                loss = _loss(layers, inputs[:, chosen].float(), targets[chosen])
                if not math.isfinite(loss.item()):
                    raise TwinspikeError("fine-tuning diverged: give more --weight-bits or fewer --epochs")
                for group in optimiser.param_groups:
                    group["lr"] = one_cycle(epoch * steps + step, epochs * steps, RATE)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}")
    return tuple(integer_layer(layer.synapses, f"layers.{i}") for i, layer in enumerate(trained))


def _loss(layers: nn.ModuleList, spikes: Tensor, targets: Tensor) -> Tensor:
    for layer in layers:
        spikes = layer(spikes)
    return nn.functional.cross_entropy(spikes.sum(0) * SHARPNESS, targets)


def _trainable(layer: FloatLayer, spec: NeuronSpec, where: str) -> SpikingLayer:
    """The layer with thresholds of 1, as quantised training counts: each channel divided by its own."""
    made = SpikingLayer(_synapses(layer, spec, where), SLOPE, several=bool(layer.pools))
    weight = layer.weight.reshape(layer.channels, -1) / layer.threshold[:, None]
    with torch.no_grad():
        made.synapses.weight.copy_(torch.from_numpy(weight))
        made.synapses.bias.copy_(torch.from_numpy(layer.bias / layer.threshold))
    return made


def _passed(stage: Synapses) -> Relay:
    """What inputs pass: a pool, or delays, which stay as they are."""
    if isinstance(stage, Delay):
        return QuantDelay(stage, stage.longest, learn=False)
    assert isinstance(stage, Pool)
    return QuantPool(stage)


def _synapses(layer: FloatLayer, spec: NeuronSpec, where: str) -> QuantDense | QuantConv:
    """Untaught synapses of the layer's kind, whose weights act as they are."""
    if not isinstance(layer.synapses, Conv):
        return QuantDense(layer.synapses.inputs, layer.neurons, spec, where)
    settings = ConvSettings(norm="none", **dataclasses.asdict(spec))
    return QuantConv(layer.synapses, settings, where)


def tuning_spec(spec: NeuronSpec) -> NeuronSpec:
    """The layer's spec with two bits of state to spare: weights move while they train."""
    return dataclasses.replace(spec, state_bits=min(spec.state_bits + 2, MAX_TRAINED_STATE_BITS))
