"""How good a network is after each epoch, on training samples that it does not learn from.

The answers are the core's: nearest by EMD, or the largest sum of membranes. References are the classes'
medians, of a few images each, so that an epoch costs little more; those of the finished network are made of
all training images and may be refined. Where the learning rule gives references they are those.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...numerics import emd
from ...quant.network import References
from ..data.dataset import Dataset
from ..network.network import SpikingNetwork
from .evaluation import class_references, macro_f1

# Images of a class that its reference is the median of.
PER_CLASS = 50
CHUNK = 500


class Validation:
    """Images that judge, and those that references are made of; both stay where they are given."""

    def __init__(self, dataset: Dataset, device: torch.device, given: References | None = None):
        if dataset.validation is None:
            raise ValueError("the dataset has no validation part")
        judged, labels = dataset.validation
        self.given = given
        self.images = torch.from_numpy(np.ascontiguousarray(judged)).to(device)
        self.labels = labels
        known = dataset.train_labels
        places = [np.flatnonzero(known == label)[:PER_CLASS] for label in np.unique(known)]
        shown = np.concatenate(places)
        self.shown = torch.from_numpy(dataset.train_images[shown]).to(device)
        self.shown_labels = known[shown]

    @torch.no_grad()
    def macro_f1(self, network: SpikingNetwork) -> float:
        """Macro-F1 of `network` as it is now; its mode of training is left as it was."""
        training = network.training
        network.eval()
        try:
            found = _outputs(network, self.images)
            if network.layers[-1].sums:
                predicted = found.sum(axis=0, dtype=np.int64).argmax(axis=1)
            else:
                references = self.given or class_references(
                    np.cumsum(_outputs(network, self.shown), axis=0, dtype=np.int32), self.shown_labels
                )
                distance = emd.distances(np.cumsum(found, axis=0, dtype=np.int32), references.counts)
                predicted = references.labels[emd.nearest(distance)[0]].astype(np.int64)
        finally:
            network.train(training)
        return macro_f1(self.labels, predicted)


def _outputs(network: SpikingNetwork, images: Tensor) -> np.ndarray:
    """What the last layer gives for uint8 images [B, *shape]: int64 [T, B, n_out], spikes or membranes."""
    parts = [network(part)[-1].cpu().numpy().astype(np.int64) for part in images.split(CHUNK)]
    return np.concatenate(parts, axis=1)
