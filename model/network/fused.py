"""Dense layers of synapses and neurons as compiled passes over their events, forward and backward.

Weights become integers as they are read, currents are added up and neurons stepped an image at a time,
so that neither integers nor currents nor their gradients travel through memory; the same values as
`quant.layers` and `model.network.lif` give one after the other.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ...quant.layers.base import QuantLayer
from ...quant.spec import NeuronSpec
from ..inputs.events import Events
from ..inputs.trains import bits_of, with_bits
from ..kernels import native
from ..kernels.dense import Seen, layer_backward, layer_forward
from ..kernels.weights import Counted, counted
from . import convolution


def usable(spikes: Tensor | Events, weight: Tensor) -> bool:
    """Whether the compiled pass can work on a layer of this weight."""
    return native.usable(weight) and (isinstance(spikes, Events) or native.usable(spikes))


class Stage(NamedTuple):
    """A layer of a chain: its synapses, how its neurons behave, and their surrogate's slope."""

    synapses: QuantLayer
    spec: NeuronSpec
    slope: float


def layer(spikes: Tensor | Events, synapses: QuantLayer, spec: NeuronSpec, slope: float) -> Tensor:
    """Spikes [T, B, N], to be written, of `synapses` and neurons that behave as `spec` says.

    Input spikes [T, B, A].
    """
    return chain(spikes, [Stage(synapses, spec, slope)])[0]


def chain(spikes: Tensor | Events, stages: Sequence[Stage]) -> list[Tensor]:
    """Spikes [T, B, N], to be written, of dense layers, each of which sees those of the one before.

    Input spikes [T, B, A]. In one node: the gradient that goes from layer to layer is made where it is used,
    some neurons at a time.
    """
    inputs = None
    if isinstance(spikes, Tensor):
        inputs = spikes
        seen = Seen((spikes.shape[0], spikes.shape[1]), bits=bits_of(spikes))
    else:
        seen = Seen(spikes.shape[:2], spikes.address, spikes.start)
    units = [_units(stage.synapses) for stage in stages]
    parameters = [x for stage in stages for x in (stage.synapses.weight, stage.synapses.bias)]
    found = _Chain.apply(inputs, seen, units, stages, *parameters)
    return [with_bits(*pair) for pair in zip(found[: len(stages)], found[len(stages) :], strict=True)]


def _units(synapses: QuantLayer) -> Counted:
    rule, real = synapses.linear.weight_quant.tensor_quant.rule, synapses.weight.detach()
    # As training folds them: the membranes of the neurons may have been narrowed since.
    units = counted(real, synapses.bias.detach(), rule, synapses.spec)
    if synapses.plain:
        return units
    _, bias, threshold = synapses.integers()  # no gradient is asked for
    return units._replace(bias=bias.contiguous(), threshold=threshold.contiguous())


class _Chain(torch.autograd.Function):
    """Returns the spikes of all layers, then their bits. Layers without a gradient of theirs cost nothing."""

    @staticmethod
    def forward(ctx, inputs, seen, units, stages, *parameters):
        trains, states, bits = [], [], []
        ctx.seen = [seen]
        for unit, (synapses, spec, _) in zip(units, stages, strict=True):
            widest = max(spec.state_bits, synapses.spec.state_bits)
            fired, membranes = layer_forward(
                unit.weight, unit.bias, unit.threshold, ctx.seen[-1], spec, widest
            )
            trains.append(torch.empty(*seen.shape, len(unit.bias)))
            states.append(membranes)
            bits.append(fired)
            ctx.seen.append(Seen(seen.shape, bits=fired.detach()))
        # The parameters are saved to notice that they were changed in place meanwhile.
        ctx.save_for_backward(*parameters, *states)
        ctx.units, ctx.stages = units, stages
        ctx.mark_non_differentiable(*bits)
        ctx.set_materialize_grads(False)
        return *trains, *bits

    @staticmethod
    def backward(ctx, *grads: Tensor | None):
        units, stages, further = ctx.units, ctx.stages, ctx.needs_input_grad[0]
        states = ctx.saved_tensors[-len(stages) :]
        found: list[Tensor | None] = []
        later = None
        for index in reversed(range(len(stages))):
            unit, stage = units[index], stages[index]
            if grads[index] is None and later is None:
                found = [None, None, *found]
                continue
            by_weight, by_bias, by_current = layer_backward(
                unit.weight,
                grads[index],
                later,
                states[index],
                unit.threshold,
                stage.slope,
                ctx.seen[index],
                stage.spec,
                currents=index > 0 or further,
            )
            found = [by_weight, by_bias.mul_(unit.slope), *found]
            later = None if by_current is None else (by_current, unit.weight)
        by_input = later[0] @ later[1].integers() if further and later is not None else None
        return by_input, None, None, None, *found


# Layer kinds that have a compiled pass; the others run as torch's own operations.
PASSES = {"dense": layer, "conv": convolution.layer}
# Those of them that are slower than torch's operations on some inputs, and how to tell.
BUSY = {"conv": convolution.busy}
# Those of them whose inputs may spike several times a step and be held.
COUNTED = ("conv",)
