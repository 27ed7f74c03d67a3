"""What the rules that learn by firing times share: each image's errors, and gradients of batches of images.

Neurons have no leak and spike once, and the output that spikes first answers. Targets of the outputs are
relative to the first spike of all:

    target of the image's class = first,  of others = max(t, first + gap);  where no output spikes,
    T - gap and T;  error = (target - t) / T

Each layer's errors are divided by their root mean square, image by image, so that an image counts as much
where one output is a step late as where many are far off. Adam goes along the mean gradient of a batch, at a
rate that counts in the scale of a layer's weights. Real-valued weights behind signs are kept within a bound,
as by Courbariaux, Bengio & David, "BinaryConnect", NeurIPS 2015 (arXiv 1511.00363), section 2.4: one that
went on growing would never change its sign again, and errors, which come back through all of them, would
follow the largest ones alone.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ...numerics.errors import out_of_range
from ...numerics.lif import state_range
from ...quant.layers.base import QuantLayer
from ...quant.layers.conv import QuantConv
from ...quant.layers.norm import Normalised
from ...quant.network import References
from ..inputs.events import Events, events_of_spikes
from ..kernels import native
from ..kernels.conv import Window
from ..kernels.firing import Stage, firing
from ..network.convolution import window_of
from ..network.network import SpikingLayer, SpikingNetwork
from .base import Batch, Diverged, Means
from .optimised import Optimised
from .passage import by_torch

# How far real-valued weights behind signs may go, in the scale of their layer.
BOUND = 1.5


class FiringTimes(Optimised):
    """A step of Adam for each batch, and one of plain descent for the scales of the layers."""

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]

    def __init__(self, network: SpikingNetwork, means: Means):
        optimiser = torch.optim.Adam([{"params": [layer.weight]} for layer in network.synapses], fused=True)
        super().__init__(network, means, optimiser)
        for index, layer in enumerate(network.layers):
            self._check(layer, f"layers.{index}", index)
        if means.ranks.world > 1:
            raise out_of_range("training.rule", self.name, "surrogate, in several processes")
        if means.settings.initial_bias:
            where = f"0, where training.rule is {self.name}"
            raise out_of_range("training.initial_bias", means.settings.initial_bias, where)

    @property
    def rise(self) -> float:
        """Steps that the potential of a spike takes to rise, where errors go back."""
        return 1.0

    def step(self, network: nn.Module, batch: Batch) -> dict[str, float]:
        synapses, settings = self.network.synapses, self.means.settings
        when = steps_of(batch.spikes)
        with torch.no_grad():
            stages = [_stage(layer) for layer in synapses]
            learn = firing if native.usable(*(stage.weight for stage in stages)) else by_torch
            figures, scales = learn(
                stages, when, batch.labels, self.network.timesteps, gap=settings.gap, rise=self.rise
            )
            self._descend(stages, scales / len(when), len(when), batch.learning_rate)
        *spikes, loss = (figures / len(when)).tolist()
        if not math.isfinite(loss):
            raise Diverged(f"its loss is {loss}")
        per_neuron = [n / layer.geometry.neurons for n, layer in zip(spikes, synapses, strict=True)]
        return {"loss": loss, **{f"layer {i}": n for i, n in enumerate(per_neuron)}}

    def descend(self, learning_rate: float) -> None:
        for group, synapses in zip(self.optimiser.param_groups, self.network.synapses, strict=True):
            group["lr"] = learning_rate * _unit(synapses)
        self.optimiser.step()

    def _descend(self, stages: Sequence[Stage], scales: Tensor, images: int, learning_rate: float) -> None:
        """Change weights by the gradients of so many images, and layers' scales by the means `scales`."""
        synapses = self.network.synapses
        for layer, stage in zip(synapses, stages, strict=True):
            mean = (stage.gradient / images).permute(3, 0, 1, 2).reshape(layer.weight.shape)
            layer.weight.grad = mean.contiguous()  # as fused Adam takes for granted
        self.descend(learning_rate)
        for layer, scale in zip(synapses, scales, strict=True):
            if layer.spec.weight_bits == 1:
                most = BOUND * _unit(layer)
                layer.weight.clamp_(-most, most)
            if layer.level is not None:
                layer.level.sub_(learning_rate * scale)

    def references(self, labels: np.ndarray) -> References:
        """A spike of one output in step 0 for each class: the nearest by EMD is the output that spikes first.

        With t_n the step of output n, T if it is silent, the distance to the reference of k is
        t_k + sum over n != k of (T - t_n): what grows with t_k alone, beside what is the same for all k.
        """
        outputs = self.network.synapses[-1].geometry.neurons
        counts = np.zeros((len(labels), self.network.timesteps, outputs), np.uint8)
        counts[np.arange(len(labels)), :, labels] = 1
        return References(counts, labels.astype(np.int32))

    def _check(self, layer: nn.Module, where: str, index: int) -> None:
        """Raise TwinspikeError for a layer whose neurons are not those of the rule."""
        rule = f"where training.rule is {self.name}"
        kind = layer.synapses.geometry.kind if isinstance(layer, SpikingLayer) else "relay"
        if not isinstance(layer, SpikingLayer) or kind not in self.kinds:
            raise out_of_range(f"{where}.kind", kind, f"{' or '.join(self.kinds)}, {rule}")
        synapses, spec = layer.synapses, layer.synapses.spec
        if not spec.single_spike:
            raise out_of_range(f"{where}.single_spike", False, f"true, {rule}")
        if spec.leak_shift or spec.forget:
            raise out_of_range(f"{where}.leak_shift", spec.leak_shift, f"0 and forget = false, {rule}")
        if layer.sums:
            raise out_of_range("readout", "membrane", f"emd, {rule}")
        if synapses.wiring.sources not in ((), (index - 1,)) or synapses.hold:
            raise out_of_range(f"{where}.sources", list(synapses.wiring.sources), f"none, {rule}")
        if isinstance(synapses, Normalised) and (synapses.batch or synapses.gain is not None):
            raise out_of_range(f"{where}.norm", "batch" if synapses.batch else "weight", f"none, {rule}")
        if isinstance(synapses, QuantConv) and synapses.conv.groups > 1:
            raise out_of_range(f"{where}.groups", synapses.conv.groups, f"1, {rule}")
        _, high = state_range(spec.state_bits)
        most = spec.weight_limit * synapses.fan_in
        if most > high:
            least = most.bit_length() + 1
            raise out_of_range(f"{where}.state_bits", spec.state_bits, f"at least {least}, {rule}")


def steps_of(spikes: Tensor | Events) -> Tensor:
    """Steps uint8 [B, A] of spikes [T, B, A], at most one an address; T where there is none."""
    events = events_of_spikes(spikes) if isinstance(spikes, Tensor) else spikes
    steps, batch, width = events.shape
    place = torch.repeat_interleave(events.start.diff())
    when = torch.full((batch, width), steps, dtype=torch.uint8)
    when[place % batch, events.address.long()] = (place // batch).to(torch.uint8)
    return when


def _unit(synapses: QuantLayer) -> float:
    """The scale in which a layer's weights count: of signs what each is worth, else their mean size."""
    if synapses.spec.weight_bits == 1 and synapses.level is not None:
        return float(synapses.level.detach().exp())
    return float(synapses.weight.detach().abs().mean())


def _stage(synapses: QuantLayer) -> Stage:
    """A layer as it learns, with a copy of its weights."""
    geometry = synapses.geometry
    if isinstance(synapses, QuantConv):
        window = window_of(synapses)
    else:
        pairs = ((ctypes.c_int64 * 2)(one, one) for one in (1, 1, 0, 1))
        window = Window(1, 1, geometry.inputs, 1, 1, geometry.neurons, 1, *pairs)
    filters = window.filters
    rows = synapses.weight.view(filters, window.channels, *window.kernel).permute(1, 2, 3, 0).contiguous()
    sign, scale = synapses.spec.weight_bits == 1, rows.new_ones(filters)
    if not (sign and synapses.level is not None):  # of signs in one unit no scale is needed
        _, scale = synapses.tensor()
    of_unit = synapses.folded(scale) if synapses.plain else synapses.counted(*synapses.measured(scale, None))
    return Stage(
        window,
        rows,
        gradient=torch.zeros_like(rows),
        inverse=(1 / scale).expand(filters).contiguous(),
        threshold=of_unit[1].contiguous(),
        limit=float(synapses.spec.weight_limit),
        sign=sign,
    )
