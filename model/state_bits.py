"""The fewest bits a membrane needs: narrower state words that change no spike on given images."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from ..numerics import lif
from ..quant.layer import Layer
from ..quant.network import Network
from ..quant.neurons import currents, moments
from ..sim import golden

# Images at once: their membranes are held for every candidate width.
CHUNK = 500


def with_least_state_bits(
    network: Network, images: np.ndarray, *, progress: bool = True
) -> tuple[Network, list[dict[str, Any]]]:
    """`network` with each layer's `state_bits` made as small as uint8 images [B, *shape] allow.

    The configured width is the upper bound. A width is allowed if it changes no spike of any
    neuron in any step of any image; the layers keep their spikes, so each is narrowed by itself.
    Also returns a row per layer with neurons, JSON-ready: `configured` and `state_bits`, `lowest` and
    `highest` u before its clamp at that width, and `clamped`, the share of neuron steps in which it clamps.
    """
    # Summed membranes are the answer: those of the last layer stay as they are.
    narrowed = network.layers[:-1] if network.readout == "membrane" else network.layers
    alive = {index: _Widths(layer) for index, layer in enumerate(narrowed) if layer.synapses.fires}
    starts = range(0, len(images), CHUNK)
    for start in tqdm(starts, desc="state bits", unit="chunk", disable=not progress):
        spikes = network.encode(images[start : start + CHUNK])
        trains = golden.run(network, spikes).spikes
        for index, widths in alive.items():
            sources = [spikes if s < 0 else trains[s] for s in network.sources(index)]
            widths.narrow(golden.combined(sources, widths.layer.combine), trains[index])
    layers = list(network.layers)
    for index, widths in alive.items():
        layers[index] = widths.layer_of(widths.least)
    return dataclasses.replace(network, layers=tuple(layers)), [w.row() for w in alive.values()]


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

    def narrow(self, incoming: np.ndarray, train: np.ndarray) -> None:
        """Drop the widths that change a spike of `train` [T, B, N] given `incoming` [T, B, inputs]."""
        sums = list(currents(self.layer, incoming))
        widest = max(self.alive)
        own = _Range()
        self._same(widest, sums, train, own)
        for bits in list(self.alive):
            low, high = lif.state_range(bits)
            if low <= own.lowest and own.highest <= high:
                # Nothing clamps at this width, so all goes as it does at the widest.
                self.alive[bits].take(own)
            elif not self._same(bits, sums, train, self.alive[bits]):
                del self.alive[bits]

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
        self.lowest, self.highest = min(self.lowest, int(u.min())), max(self.highest, int(u.max()))
        self.clamped += int(((u < low) | (u > high)).sum())
        self.steps += u.size

    def take(self, other: "_Range") -> None:
        """Add what another range has seen."""
        self.lowest, self.highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        self.clamped, self.steps = self.clamped + other.clamped, self.steps + other.steps
