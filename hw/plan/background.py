"""What the membranes of neurons do that no event has reached in a frame: known before there is hardware."""

import numpy as np

from ...numerics import lif
from ...quant.layer import Layer


def background(layer: Layer, timesteps: int) -> np.ndarray | None:
    """Membranes, leaked, before each step of a frame without events: int64 [T, channels].

    None if such a neuron fires in one of the T steps. With biases of 0 or less none does: u never rises
    above 0, and thresholds are at least 1.
    """
    spec, channels = layer.spec, layer.synapses.channels
    v, fired, none = np.zeros((1, channels), np.int64), np.zeros((1, channels), bool), np.zeros(1, np.int64)
    found = np.zeros((timesteps, channels), np.int64)
    for t in range(timesteps):
        found[t] = lif.leak(v[0], spec.leak_shift, spec.forget)
        v, fired, spikes = lif.step(
            v,
            fired,
            none,
            layer.bias.astype(np.int64),
            layer.threshold.astype(np.int64),
            leak_shift=spec.leak_shift,
            reset=spec.reset,
            single_spike=spec.single_spike,
            state_bits=spec.state_bits,
            forget=spec.forget,
        )
        if spikes.any():
            return None
    return found
