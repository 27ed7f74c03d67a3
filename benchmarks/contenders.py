"""The same 784-256-32 network in twinspike and in other frameworks, each written as its manual advises.

Everyone gets leaky integrate-and-fire neurons (decay 7/8, threshold 1, reset by subtraction) with a
surrogate gradient, the same random weights, and the first layer's product for all time steps at
once, which is the fastest that a dense framework can do. Only twinspike quantises (4 bits).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from importlib.metadata import version

import torch
from torch import Tensor, nn

from twinspike.config import Config
from twinspike.model.encodings import dense_spikes
from twinspike.model.inputs import arranged
from twinspike.model.network import SpikingNetwork

DECAY = 7 / 8


@dataclasses.dataclass(frozen=True)
class Contender:
    """`prepare` makes a network's input of spike steps [B, A]; `forward` gives output spikes [T, B, N]."""

    name: str
    parameters: list[Tensor]
    prepare: Callable[[Tensor], object]
    forward: Callable[..., Tensor]


def contenders(config: Config, inputs: int, device: torch.device) -> list[Contender]:
    """One of each; raises ImportError if a framework is missing."""
    widths = [inputs, *(layer.neurons for layer in config.layers)]
    made = [_twinspike(config, inputs, device, sparse) for sparse in (True, False)]
    for name, build in (("snnTorch", _snntorch), ("SpikingJelly", _spikingjelly), ("Norse", _norse)):
        network = build(widths, config.training.initial_gain).to(device)
        made.append(
            Contender(
                f"{name} {version(name.lower())}",
                list(network.parameters()),
                lambda when: dense_spikes(when, config.timesteps),
                network,
            )
        )
    return made


def _twinspike(config: Config, inputs: int, device: torch.device, sparse: bool) -> Contender:
    network = SpikingNetwork(config, (1, inputs))
    network.initialise(config.training, torch.Generator().manual_seed(config.seed))
    network.to(device)
    form = arranged if sparse else dense_spikes

    def dense(spikes: Tensor) -> Tensor:
        for layer in network.layers:
            spikes = layer.neurons(*layer.synapses(spikes))
        return spikes

    return Contender(
        f"twinspike {version('twinspike')}" + ("" if sparse else ", dense products"),
        list(network.parameters()),
        lambda when: form(when, config.timesteps),
        (lambda spikes: network.propagate(spikes)[-1]) if sparse else dense,
    )


class _Stack(nn.Module):
    """Linear layers and what follows them, over spikes [T, B, N]."""

    def __init__(self, widths: list[int], gain: float, neurons: Callable[[], nn.Module]):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.layers = nn.ModuleList()
        for inputs, outputs in itertools.pairwise(widths):
            linear = nn.Linear(inputs, outputs)
            with torch.no_grad():
                linear.weight.normal_(0, gain / math.sqrt(inputs), generator=generator)
                linear.bias.fill_(0.02)
            self.layers += [linear, neurons()]

    def forward(self, spikes: Tensor) -> Tensor:
        for layer in self.layers:
            spikes = layer(spikes)
        return spikes


def _snntorch(widths: list[int], gain: float) -> nn.Module:
    import snntorch

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.leaky = snntorch.Leaky(beta=DECAY)

        def forward(self, currents: Tensor) -> Tensor:
            membrane = self.leaky.reset_mem()
            spikes = []
            for current in currents:
                now, membrane = self.leaky(current, membrane)
                spikes.append(now)
            return torch.stack(spikes)

    return _Stack(widths, gain, Steps)


def _spikingjelly(widths: list[int], gain: float) -> nn.Module:
    from spikingjelly.activation_based import functional, neuron, surrogate

    def population() -> nn.Module:
        return neuron.LIFNode(
            tau=1 / (1 - DECAY),
            decay_input=False,
            v_threshold=1.0,
            v_reset=None,
            surrogate_function=surrogate.ATan(),
            detach_reset=True,
            step_mode="m",
        )

    network = _Stack(widths, gain, population)
    network.register_forward_pre_hook(lambda *_: functional.reset_net(network))
    return network


def _norse(widths: list[int], gain: float) -> nn.Module:
    import norse.torch as norse
    from norse.torch.functional.reset import reset_subtract

    # Its membrane takes dt * tau_mem_inv = 1/8 of the current: eight times the weights make up for it.
    parameters = norse.LIFBoxParameters(
        tau_mem_inv=torch.as_tensor(1000 * (1 - DECAY)), reset_method=reset_subtract
    )

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = norse.Lift(norse.LIFBoxCell(parameters))

        def forward(self, currents: Tensor) -> Tensor:
            return self.cell(currents)[0]

    return _Stack(widths, gain / (1 - DECAY), Steps)
