"""Hidden neurons in an order by which those that spike together lie in different banks of a wide core.

A layer of a wide core takes one event a clock from each of its E banks; neuron n of the layer before lies in
bank n mod E. A step takes as many clocks as the fullest bank has spikes (hw/predict/wide_cycles.py), so the
same spikes take least time where they are spread evenly. Which neuron has which number changes nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ...numerics.errors import TwinspikeError
from ...numerics.progress import Bar
from ..network.network import SpikingLayer, SpikingNetwork

if TYPE_CHECKING:
    from ...config import Config

# Images whose spikes are to be spread, and pairs of neurons that are tried for every neuron.
IMAGES, TRIES = 1000, 250
# A step takes two clocks at least, however few spikes it has.
_LEAST = 2


def check_spreading(config: Config) -> None:
    """Raise TwinspikeError if `config` asks for spreading and has no banks to spread over."""
    banks = config.hardware.events_per_clock
    if not config.training.spread_spikes:
        return
    if len(config.layers) < 2 or any(x.kind != "dense" or x.sources for x in config.layers) or not banks:
        raise TwinspikeError(
            "training.spread_spikes is for two or more dense layers, one behind the other, with "
            "hardware.events_per_clock: leave it out"
        )


@torch.no_grad()
def spread_spikes(network: SpikingNetwork, config: Config, images: np.ndarray, progress: bool) -> None:
    """Renumber the hidden neurons of `network`, by its spikes for the first of uint8 images [B, *shape].

    Nothing is done unless the configuration asks for it. What the network answers stays the same.
    """
    if not config.training.spread_spikes:
        return
    network.eval()
    some = torch.from_numpy(np.ascontiguousarray(images[:IMAGES])).to(next(network.parameters()).device)
    trains = network(some)
    for at, banks in enumerate(config.hardware.events_per_clock[1:]):
        before, after = network.layers[at], network.layers[at + 1]
        assert isinstance(before, SpikingLayer) and isinstance(after, SpikingLayer)
        spikes = trains[at].flatten(0, 1).cpu().numpy().astype(np.int16)
        order = torch.from_numpy(even_order(spikes, banks, progress=progress))
        # What does not learn, such as the running averages of a norm, has a number for each neuron as well; a
        # layer's own scale is one number for all.
        for parameter in before.synapses.parameters():
            if parameter.ndim and len(parameter) == len(order):
                parameter.copy_(parameter[order])
        after.synapses.weight.copy_(after.synapses.weight[:, order])


def even_order(spikes: np.ndarray, banks: int, *, progress: bool = False) -> np.ndarray:
    """int64 [N]: which neuron gets number 0, 1, ..., of spikes 0 or 1, int16 [steps, N], for so many banks.

    Pairs of neurons in different banks change places where that takes no clocks more; a search from the
    order as it is, which ends after `TRIES` pairs for every neuron and repeats exactly.
    """
    neurons = spikes.shape[1]
    order = np.arange(neurons)
    if banks == 1:
        return order
    counts = np.stack([spikes[:, bank::banks].sum(axis=1) for bank in range(banks)], axis=1)
    clocks = _clocks(counts)
    rng = np.random.default_rng(0)
    for _ in Bar(
        range(TRIES * neurons), desc="spreading spikes", unit="pair", disable=not progress, leave=False
    ):
        a, b = rng.integers(neurons, size=2)
        if a % banks == b % banks:
            continue
        change = spikes[:, order[b]] - spikes[:, order[a]]
        tried = counts.copy()
        tried[:, a % banks] += change
        tried[:, b % banks] -= change
        found = _clocks(tried)
        if found <= clocks:
            clocks, counts = found, tried
            order[[a, b]] = order[[b, a]]
    return order


def _clocks(counts: np.ndarray) -> int:
    """Clocks of all steps, of the spikes [steps, banks] in each bank."""
    return int(np.maximum(counts.max(axis=1), _LEAST).sum())
