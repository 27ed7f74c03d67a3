"""The same network in twinspike and in other frameworks, each written as its manual advises.

Everyone gets leaky integrate-and-fire neurons (decay 7/8, threshold 1, reset by subtraction) with a
surrogate gradient, equal random weights, and every layer's products or convolutions for all time steps
at once, which is the fastest that a dense framework can do. Only twinspike quantises (4 bits).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from importlib.metadata import version

import torch
from torch import Tensor, nn

from twinspike.config import Config
from twinspike.model.inputs.encodings import dense_spikes
from twinspike.model.inputs.inputs import arranged
from twinspike.model.network.network import SpikingNetwork

DECAY = 7 / 8


@dataclasses.dataclass(frozen=True)
class Contender:
    """`prepare` makes a network's input of spike steps [B, A]; `forward` gives output spikes [T, B, N]."""

    name: str
    parameters: list[Tensor]
    prepare: Callable[[Tensor], object]
    forward: Callable[..., Tensor]


def contenders(config: Config, shape: tuple[int, int], device: torch.device) -> list[Contender]:
    """One of each, for images of `shape`; raises ImportError if a framework is missing."""
    made = [_twinspike(config, shape, device, sparse) for sparse in (True, False)]
    for name, build in (("snnTorch", _snntorch), ("SpikingJelly", _spikingjelly), ("Norse", _norse)):
        network = build(config, shape).to(device)
        made.append(
            Contender(
                f"{name} {version(name.lower())}",
                list(network.parameters()),
                lambda when: dense_spikes(when, config.timesteps),
                network,
            )
        )
    return made


def _twinspike(config: Config, shape: tuple[int, int], device: torch.device, sparse: bool) -> Contender:
    network = SpikingNetwork(config, shape)
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
        (lambda spikes: network.propagate(spikes, write=False)[-1]) if sparse else dense,
    )


class _Steps(nn.Module):
    """A layer of images, applied to all steps at once: [T, B, ...] -> [T, B, ...]."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, spikes: Tensor) -> Tensor:
        return self.layer(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])


class _Stack(nn.Module):
    """Linear layers and convolutions, and what follows them, over spikes [T, B, pixels]."""

    def __init__(
        self, config: Config, shape: tuple[int, int], neurons: Callable[[], nn.Module], scale: float = 1
    ):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.shape = shape
        self.layers = nn.ModuleList()
        seen = (1, *shape)
        for settings in config.layers:
            layer: nn.Module
            if settings.kind == "conv":
                layer = weights = nn.Conv2d(seen[0], settings.channels, settings.kernel, settings.stride)
            else:
                weights = nn.Linear(math.prod(seen), settings.neurons)
                layer = nn.Sequential(nn.Flatten(), weights)
            std = scale * config.training.initial_gain / math.sqrt(weights.weight[0].numel())
            with torch.no_grad():
                weights.weight.normal_(0, std, generator=generator)
                weights.bias.fill_(0.02)
                seen = layer(torch.zeros(1, *seen)).shape[1:]
            self.layers += [_Steps(layer), neurons()]

    def forward(self, spikes: Tensor) -> Tensor:
        spikes = spikes.unflatten(2, (1, *self.shape))
        for layer in self.layers:
            spikes = layer(spikes)
        return spikes


def _snntorch(config: Config, shape: tuple[int, int]) -> nn.Module:
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

    return _Stack(config, shape, Steps)


def _spikingjelly(config: Config, shape: tuple[int, int]) -> nn.Module:
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

    network = _Stack(config, shape, population)
    network.register_forward_pre_hook(lambda *_: functional.reset_net(network))
    return network


def _norse(config: Config, shape: tuple[int, int]) -> nn.Module:
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

    return _Stack(config, shape, Steps, scale=1 / (1 - DECAY))
