"""The fewest bits a membrane needs: narrower state words that change no spike on given images."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...numerics import emd, lif
from ...numerics.progress import Bar
from ...quant.layer import Layer
from ...quant.network import Network
from ...quant.neurons import currents, moments
from ...sim import golden

# Images at once: their membranes are held for every candidate width.
CHUNK = 500


def with_least_state_bits(
    network: Network, images: np.ndarray, *, progress: bool = True
) -> tuple[Network, list[dict[str, Any]]]:
    """`network` with each layer's `state_bits` made as small as uint8 images [B, *shape] allow; see
    :func:`narrowed`."""
    return narrowed(network, images, progress=progress)[:2]


def narrowed(
    network: Network, images: np.ndarray, *, progress: bool = True
) -> tuple[Network, list[dict[str, Any]], np.ndarray]:
    """`network` with the least `state_bits` that change no spike, what was seen, and the output's counts.

    The configured width is the upper bound. A width is allowed if it changes no spike of any
    neuron in any step of any image; the layers keep their spikes, so each is narrowed by itself.
    Also returns a row per layer with neurons, JSON-ready: `configured` and `state_bits`, `lowest` and
    `highest` u before its clamp at that width, and `clamped`, the share of neuron steps in which it clamps;
    and the cumulative output counts uint8 [T, B, n_out], which both networks have.
    """
    # Summed membranes are the answer: those of the last layer stay as they are.
    layers_alive = network.layers[:-1] if network.readout == "membrane" else network.layers
    alive = {index: _Widths(layer) for index, layer in enumerate(layers_alive) if layer.synapses.fires}
    counts = np.empty((network.timesteps, len(images), network.outputs), dtype=np.uint8)
    starts = range(0, len(images), CHUNK)
    for start in Bar(starts, desc="state bits", unit="chunk", disable=not progress):
        part = slice(start, start + CHUNK)
        spikes = network.encode(images[part])
        trains: list[np.ndarray] = []
        for index, layer in enumerate(network.layers):
            sources = [spikes if s < 0 else trains[s] for s in network.sources(index)]
            arrived = golden.combined(sources, layer.combine)
            widths = alive.get(index)
            if network.readout == "membrane" and index == len(network.layers) - 1:
                trains.append(golden.run_silent(layer, arrived)[0])
                continue
            trains.append(golden.run_layer(layer, arrived)[0] if widths is None else widths.narrow(arrived))
        counts[:, part] = emd.cumulative_counts(trains[-1])
    layers = list(network.layers)
    for index, widths in alive.items():
        layers[index] = widths.layer_of(widths.least)
    narrow = dataclasses.replace(network, layers=tuple(layers))
    return narrow, [w.row() for w in alive.values()], counts


class _Widths:
    """The widths of one layer's state that have changed no spike so far."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        # From two bits on; whether a width serves is seen, not assumed to follow from wider ones.
        self.alive = {bits: _Range() for bits in range(2, layer.spec.state_bits + 1)}

    @property
    def least(self) -> int:
        return min(self.alive)

    def layer_of(self, bits: int) -> Layer:
        return dataclasses.replace(self.layer, spec=dataclasses.replace(self.layer.spec, state_bits=bits))

    def narrow(self, incoming: np.ndarray) -> np.ndarray:
        """The layer's spikes [T, B, N] for `incoming` [T, B, inputs]; widths that change any are dropped."""
        sums = list(currents(self.layer, incoming))
        train = np.empty((*incoming.shape[:2], self.layer.neurons), dtype=bool)
        own, widest = _Range(), self.layer.spec.state_bits
        for t, now in enumerate(moments(self.layer, sums)):
            own.add(now.total, widest)
            train[t] = now.spikes
        for bits in list(self.alive):
            low, high = lif.state_range(bits)
            if low <= own.lowest and own.highest <= high:
                # Nothing clamps at this width, so all goes as it does at the widest.
                self.alive[bits].take(own)
            elif not self._same(bits, sums, train, self.alive[bits]):
                del self.alive[bits]
        return train

    def _same(self, bits: int, sums: Sequence[np.ndarray], train: np.ndarray, seen: "_Range") -> bool:
        """Whether the spikes are those of `train` at a width; `seen` gets what its membranes do."""
        now = moments(self.layer, sums, state_bits=bits)
        for step, spikes in zip(now, train, strict=True):
            seen.add(step.total, bits)
            if not np.array_equal(step.spikes, spikes):
                return False
        return True

    def row(self) -> dict[str, Any]:
        seen = self.alive[self.least]
        return {
            "configured": self.layer.spec.state_bits,
            "state_bits": self.least,
            "lowest": seen.lowest,
            "highest": seen.highest,
            "clamped": seen.clamped / max(seen.steps, 1),
        }


class _Range:
    """How far u reaches before the clamp, and in how many neuron steps it is beyond it."""

    def __init__(self) -> None:
        self.lowest = self.highest = self.clamped = self.steps = 0

    def add(self, u: np.ndarray, bits: int) -> None:
        low, high = lif.state_range(bits)
        least, most = int(u.min()), int(u.max())
        self.lowest, self.highest = min(self.lowest, least), max(self.highest, most)
        if least < low or most > high:
            self.clamped += int(np.count_nonzero(u < low) + np.count_nonzero(u > high))
        self.steps += u.size

    def take(self, other: "_Range") -> None:
        """Add what another range has seen."""
        self.lowest, self.highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        self.clamped, self.steps = self.clamped + other.clamped, self.steps + other.steps
