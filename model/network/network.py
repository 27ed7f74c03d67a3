"""The siamese spiking network: layers of quantised synapses and LIF neurons, shared by both twins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...numerics.encodings import Encoding, Graded
from ...numerics.errors import out_of_range
from ...quant.layers.base import QuantLayer
from ...quant.layers.delay import QuantDelay
from ...quant.layers.kinds import make_layer
from ...quant.layers.norm import Normalised
from ...quant.layers.relay import Relay
from ...quant.sources import source_shape
from ...quant.spec import NeuronSpec
from ..inputs.events import Events
from ..inputs.inputs import input_spikes
from ..inputs.trains import written
from ..kernels import native
from ..settings import TrainingSettings
from . import fused
from .lif import Lif, membranes
from .populations import driven, normalised
from .wiring import combined, may_add_up, share_weights

if TYPE_CHECKING:
    from ...config import Config


class SpikingLayer(nn.Module):
    """One population with its input synapses: spikes [T, B, inputs] -> spikes [T, B, neurons].

    `several`: an input may spike more than once a step, which lists of events do not say.
    """

    def __init__(self, synapses: QuantLayer, slope: float, several: bool = False):
        super().__init__()
        self.synapses = synapses
        self.neurons = Lif(synapses.spec, slope)
        self.several = several
        self.sums = False  # it never fires: its membranes are what counts

    def forward(self, spikes: Tensor | Events, *, listed: bool = True) -> Tensor:
        return written(self.unwritten(spikes, listed=listed))

    def unwritten(self, spikes: Tensor | Events, *, listed: bool = True) -> Tensor:
        """The same, but for values that may have to be `written` yet.

        Not `listed`: the input is none that a list of events, perhaps with multiplicities, could hold.
        """
        if self.sums:
            steps, seen = self._seen(spikes)
            return membranes(self.synapses(seen)[0].expand(steps, -1, -1), self.neurons.spec)
        kind = self.synapses.geometry.kind
        compiled = fused.PASSES.get(kind) if listed and self._settled() else None
        if compiled and fused.usable(spikes, self.synapses.weight):
            busy = fused.BUSY.get(kind)
            if busy is None or not busy(spikes, self.synapses):
                return compiled(spikes, self.synapses, self.neurons.spec, self.neurons.slope)
        return self._in_parts(spikes)

    def chained(self) -> bool:
        """Whether it can be a stage of a compiled chain of layers."""
        return self.synapses.geometry.kind == "dense" and self._settled() and not self.sums

    def _settled(self) -> bool:
        """Whether a compiled pass has all that it needs: plain input, and thresholds that it can tell."""
        kind = self.synapses.geometry.kind
        if (self.several or self.synapses.hold) and kind not in fused.COUNTED:
            return False
        # Where no gradient is asked for, how thresholds follow from other parameters does not count.
        return self.synapses.plain or (not torch.is_grad_enabled() and self._folds(kind))

    def _folds(self, kind: str) -> bool:
        """Whether its integers say all that the layer does, whatever else thresholds follow from."""
        measures = isinstance(self.synapses, Normalised) and self.synapses.batch and self.training
        return kind == "dense" or (kind == "conv" and not measures)

    def _in_parts(self, spikes: Tensor | Events) -> Tensor:
        """Currents by torch's operations, then neurons, compiled where they can be."""
        synapses, neurons = self.synapses, self.neurons
        steps, seen = self._seen(spikes)
        compiled = native.usable(synapses.weight)
        if compiled and synapses.training and isinstance(synapses, Normalised) and synapses.batch:
            return normalised(seen, synapses, neurons.spec, neurons.slope, steps)
        current, threshold = synapses(seen)
        if compiled:
            return driven(current, threshold, neurons.spec, neurons.slope, steps)
        return neurons(current.expand(steps, -1, -1), threshold)

    def _seen(self, spikes: Tensor | Events) -> tuple[int, Tensor | Events]:
        """The number of steps, and the input of those steps that make currents."""
        if not self.synapses.hold:
            return spikes.shape[0], written(spikes) if isinstance(spikes, Tensor) else spikes
        dense = written(spikes) if isinstance(spikes, Tensor) else spikes.as_tensor()
        return len(dense), dense[:1]


class SpikingNetwork(nn.Module):
    """Images to spike trains; both images of a pair go through the same weights.

    Layer l + 1 sees the spikes of layer l of the same step, so each layer can run through all its
    steps before the next begins.
    """

    def __init__(self, config: Config, shape: tuple[int, ...]):
        super().__init__()
        self.encoder: Encoding = config.encoder
        self.timesteps = config.timesteps
        shapes = [self.encoder.map(shape)]
        several = [isinstance(self.encoder, Graded)]  # of the input and of each layer, as in SpikingLayer
        layers: list[SpikingLayer | Relay] = []
        for index, settings in enumerate(config.layers):
            where, sources = f"layers.{index}", settings.sources or (index - 1,)
            seen = source_shape(sources, settings.combine, shapes, where)
            made = make_layer(seen, settings, where)
            shapes.append(made.geometry.shape)
            many = may_add_up(settings.combine, [several[source + 1] for source in sources])
            if isinstance(made, Relay):
                layers.append(made)
                several.append(made.adds_up(many))
            else:
                layers.append(SpikingLayer(made, config.training.surrogate_slope, many))
                several.append(False)
                share_weights(made, layers, index)
            if (index or sources != (-1,)) and isinstance(made, QuantLayer) and made.hold:
                raise out_of_range(
                    f"layers.{index}.hold", True, "false: only the first layer can hold its input"
                )
        if not isinstance(layers[-1], SpikingLayer):
            where = f"layers.{len(layers) - 1}.kind"
            raise out_of_range(where, config.layers[-1].kind, "a kind with neurons, in the last layer")
        layers[-1].sums = config.readout == "membrane"
        self.layers = nn.ModuleList(layers)
        self.activity_targets = _activity_targets(config, layers)

    @property
    def synapses(self) -> list[QuantLayer]:
        """The layers' weights, biases and thresholds, first layer first."""
        return [layer.synapses for layer in self.layers if isinstance(layer, SpikingLayer)]

    @property
    def stages(self) -> list[QuantLayer | Relay]:
        """What every layer connects, of those without neurons as well."""
        return [layer.synapses if isinstance(layer, SpikingLayer) else layer for layer in self.layers]

    def fired(self, trains: Sequence[Tensor]) -> list[Tensor]:
        """Those of the layers' trains that neurons made."""
        pairs = zip(self.layers, trains, strict=True)
        return [train for layer, train in pairs if isinstance(layer, SpikingLayer)]

    def initialise(self, settings: TrainingSettings, generator: torch.Generator) -> None:
        """Draw the initial weights; too small a gain gives a network that is silent and never learns."""
        for synapses in self.synapses:
            std = settings.initial_gain / math.sqrt(synapses.fan_in)
            synapses.reset_parameters(std, settings.initial_bias, generator)
            if settings.initial_weights == "positive":
                with torch.no_grad():
                    synapses.weight.abs_()
        for stage in self.stages:
            if isinstance(stage, QuantDelay):
                stage.reset_places(generator)

    def anneal(self, share: float) -> None:
        """Told before each batch which share of the training, 0..1, is done."""
        for stage in self.stages:
            if isinstance(stage, Relay):
                stage.anneal(share)

    def behave_as(self, specs: Sequence[NeuronSpec]) -> None:
        """Let the neurons be those of an exported network, whose membranes may be narrower."""
        for layer, spec in zip(self.layers, specs, strict=True):
            if isinstance(layer, SpikingLayer):
                layer.neurons.spec = spec

    def forward(self, inputs: Tensor | Events, *, write: bool = True) -> list[Tensor]:
        """uint8 images [B, *shape], or input spikes -> spikes [T, B, neurons] (0 or 1) of every layer.

        Not `write`: whoever reads hidden spikes asks for them, see `model.inputs.trains`.
        """
        if isinstance(inputs, Tensor) and inputs.dtype == torch.uint8:
            inputs = input_spikes(self.encoder, inputs, self.timesteps)
        return self.propagate(inputs, write=write)

    def propagate(self, spikes: Tensor | Events, *, write: bool = True) -> list[Tensor]:
        """Input spikes [T, B, A] -> spikes [T, B, neurons] of every layer; `write` as above.

        Where the readout adds up membranes those of the last layer take the place of its spikes.
        """
        trains: list[Tensor] = []
        # What is spread over steps is no spike: compiled passes, which read lists of events, cannot take it.
        soft = any(isinstance(stage, Relay) and stage.soft for stage in self.stages)
        for index, (layer, stage) in enumerate(zip(self.layers, self.stages, strict=True)):
            if index < len(trains):
                continue  # a chain has run it
            sources = stage.wiring.sources or (index - 1,)
            seen = [spikes if source < 0 else trains[source] for source in sources]
            arriving = combined(seen, stage.wiring.combine)
            spread = soft and sources != (-1,) and isinstance(layer, SpikingLayer)
            stages = [] if spread else self._chain(index)
            if len(stages) > 1 and fused.usable(arriving, stages[0].synapses.weight):
                trains += fused.chain(arriving, stages)
            elif isinstance(layer, SpikingLayer):
                trains.append(layer.unwritten(arriving, listed=not spread))
            else:
                trains.append(layer(written(arriving) if isinstance(arriving, Tensor) else arriving))
        return [written(train) if write else train for train in trains[:-1]] + [written(trains[-1])]

    def _chain(self, first: int) -> list[fused.Stage]:
        """Layer `first` and those behind it, each of which sees the one before alone, that run as one."""
        found: list[fused.Stage] = []
        for index in range(first, len(self.layers)):
            layer = self.layers[index]
            if not (isinstance(layer, SpikingLayer) and layer.chained()):
                break
            if index > first and layer.synapses.wiring.sources not in ((), (index - 1,)):
                break
            found.append(fused.Stage(layer.synapses, layer.neurons.spec, layer.neurons.slope))
        return found


def _activity_targets(config: Config, layers: Sequence[nn.Module]) -> list[float | None]:
    """Spikes a neuron and image that cost nothing, of every layer with neurons; None: none cost anything.

    The last layer's spikes are the answer, and cost only where its own entry says so.
    """
    pairs = zip(config.layers, layers, strict=True)
    own = [settings.activity_target for settings, layer in pairs if isinstance(layer, SpikingLayer)]
    rest = [config.training.activity_target] * (len(own) - 1)
    return [mine if mine >= 0 else other for mine, other in zip(own, [*rest, None], strict=True)]
