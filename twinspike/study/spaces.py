"""What examples are compared by: spike trains as the core compares them, or raw pixels for comparison."""

from typing import Protocol

import numpy as np

from twinspike.numerics.emd import median_reference
from twinspike.quant.network import Network
from twinspike.sim.golden import run

# Images that go through a network at once.
CHUNK = 500


class Space(Protocol):
    """Where images are points, as are the references of classes; the nearest one gives a label."""

    def points(self, images: np.ndarray) -> np.ndarray:
        """Points [B, ...] of uint8 images [B, *shape]."""

    def reference(self, points: np.ndarray) -> np.ndarray:
        """The point that stands for a class with these examples [E, ...]."""

    def distances(self, points: np.ndarray, references: np.ndarray) -> np.ndarray:
        """Distance [B, K] of each point to each reference [K, ...]."""


class Spikes:
    """Cumulative output counts of a network [B, T, n_out], medians, and EMD: the core's own answers."""

    def __init__(self, network: Network):
        self.network = network

    def points(self, images: np.ndarray) -> np.ndarray:
        parts = np.split(images, range(CHUNK, len(images), CHUNK))
        counts = [run(self.network, self.network.encode(part)).output_counts for part in parts]
        return np.concatenate(counts, axis=1).astype(np.uint8).transpose(1, 0, 2)

    def reference(self, points: np.ndarray) -> np.ndarray:
        return median_reference(points.transpose(1, 0, 2))

    def distances(self, points: np.ndarray, references: np.ndarray) -> np.ndarray:
        out = np.empty((len(points), len(references)), np.int64)
        flat = points.reshape(len(points), -1).astype(np.int16)
        for k, reference in enumerate(references):
            out[:, k] = np.abs(flat - reference.reshape(-1).astype(np.int16)).sum(axis=1, dtype=np.int64)
        return out


class Pixels:
    """Raw pixels, means, and the squared L2 distance."""

    def points(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1).astype(np.float32)

    def reference(self, points: np.ndarray) -> np.ndarray:
        return points.mean(axis=0)

    def distances(self, points: np.ndarray, references: np.ndarray) -> np.ndarray:
        squares = np.square(points).sum(axis=1)[:, None] + np.square(references).sum(axis=1)[None]
        return squares - 2 * (points @ references.T)
