"""Training images as input spikes: drawn, augmented and encoded a batch at a time, or encoded once."""

from __future__ import annotations

import torch
from torch import Tensor

from ...numerics.encodings import Encoding, Graded, Timed
from ..settings import TrainingSettings
from . import augment
from .blend import blended
from .encodings import dense_spikes, several_spikes, spike_steps
from .events import Events, events_of_spikes, events_of_steps

CHUNK = 1000


def input_spikes(encoding: Encoding, images: Tensor, timesteps: int) -> Tensor | Events:
    """Spikes of uint8 images [B, *shape]: index lists on a CPU, dense [T, B, addresses] elsewhere.

    A GPU multiplies the dense matrix faster than it sorts events; multiplicities have no lists.
    """
    when = spike_steps(encoding, images, timesteps)
    if when is not None:
        return arranged(when, timesteps)
    spikes = several_spikes(encoding, images, timesteps)
    lists = spikes.device.type == "cpu" and not isinstance(encoding, Graded)
    return events_of_spikes(spikes) if lists else spikes


def arranged(when: Tensor, timesteps: int) -> Tensor | Events:
    """Spikes of steps [B, addresses] in the form that suits their device."""
    form = events_of_steps if when.device.type == "cpu" else dense_spikes
    return form(when, timesteps)


class TrainingInputs:
    """Batches of input spikes of uint8 images [N, H, W] with labels [N], on the images' device.

    Without augmentation an image always gives the same spikes: their steps are computed once, a byte
    an address (not for an encoding with several spikes per address, whose tables would be T times as large).
    """

    def __init__(
        self, images: Tensor, labels: Tensor, encoding: Encoding, timesteps: int, settings: TrainingSettings
    ):
        self.images, self.labels, self.settings = images, labels, settings
        self.encoding, self.timesteps = encoding, timesteps
        self.augmented = augment.wanted(settings)
        self.when = None
        if (
            not self.augmented
            and not settings.blend
            and spike_steps(encoding, images[:1], timesteps) is not None
        ):
            chunks = [spike_steps(encoding, part, timesteps) for part in images.split(CHUNK)]
            self.when = torch.cat(chunks)

    def batch(self, chosen: Tensor, generator: torch.Generator, own: slice = slice(None)) -> Tensor | Events:
        """Spikes of the images of index `chosen` [B], of the part `own` of them.

        Augmentation draws from `generator` for all of them: a part gets what it gets in the whole.
        """
        if self.when is not None:
            return arranged(self.when[chosen[own]], self.timesteps)
        images = self._blended(chosen, generator, own) if self.settings.blend else self.images[chosen[own]]
        if self.augmented:
            images = augment.augmented(images, self.settings, generator, batch=len(chosen), own=own)
        return input_spikes(self.encoding, images, self.timesteps)

    def _blended(self, chosen: Tensor, generator: torch.Generator, own: slice) -> Tensor:
        return blended(
            self.images[chosen],
            self.labels[chosen],
            self.settings.blend,
            generator,
            spikes=isinstance(self.encoding, Timed),
            own=own,
        )
