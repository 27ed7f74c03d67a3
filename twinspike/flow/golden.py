"""The golden model over test images, its spikes kept for whoever wants to look at them."""

import dataclasses
import io
from pathlib import Path

import numpy as np

from twinspike.config import Config
from twinspike.numerics.files import write_atomically
from twinspike.sim.golden import run

from .folders import Folders, find_network
from .plans import test_images


def write_golden(config: Config, place: Folders, frames: int) -> tuple[Path, int, float]:
    """Run the integer network over the first test images and write golden.npz.

    Returns its path, the number of images and the accuracy. The file holds labels, results and the spikes
    of each layer, bool [T, frames, neurons], bit-packed along the neurons.
    """
    network = find_network(place, config)
    images, labels = test_images(config, network, frames)
    trace = run(network, network.encode(images))
    spikes = {f"layer{i}": np.packbits(s, axis=-1) for i, s in enumerate(trace.spikes)}
    path = place.build / "golden.npz"
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, allow_pickle=False, labels=labels, **spikes, **dataclasses.asdict(trace.results)
    )
    write_atomically(path, buffer.getvalue())
    return path, len(images), float((trace.results.label == labels).mean())
