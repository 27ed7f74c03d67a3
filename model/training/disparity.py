"""Training of a network whose last layer's membranes are a map of disparities, in place of answers.

The last layer never fires. A pixel's disparity is what its membrane adds up to over all steps: the
potential that an integrate-and-fire neuron without a threshold ends with (StereoSpike, arXiv 2109.13751), in
thresholds a step times a span in pixels, from a middle on.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...quant.export import package_versions, untaught_network
from ...quant.network import Network
from ...sim import golden
from ..inputs.inputs import input_spikes
from ..loss.losses import PRICES
from ..network.network import SpikingNetwork
from ..rules.base import Batch, Diverged, Means
from ..rules.optimised import Optimised
from ..rules.optimiser import make_optimiser
from ..rules.ranks import Ranks
from ..rules.schedule import one_cycle
from .checkpoint import Progress, Stopwatch, load_checkpoint, read_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from ...config import Config

CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclasses.dataclass(frozen=True, eq=False)
class Views:
    """Scenes to cut examples from: spikes uint8 [N, T, H, W, C] and disparities float32 [N, H, W].

    A disparity that is not known is nan.
    """

    spikes: np.ndarray
    disparity: np.ndarray

    def windows(self, places: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Windows of `size` at (scene, row, column) [B, 3]: spikes [B, T, h, w, C], disparities [B, h, w]."""
        (height, width), cut = size, places.tolist()
        spikes = [self.spikes[n, :, y : y + height, x : x + width] for n, y, x in cut]
        known = [self.disparity[n, y : y + height, x : x + width] for n, y, x in cut]
        return np.stack(spikes), np.stack(known)

    def drawn(self, count: int, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Places of `count` windows anywhere."""
        free = (self.disparity.shape[1] - size[0] + 1, self.disparity.shape[2] - size[1] + 1)
        return rng.integers(0, (len(self.spikes), *free), (count, 3))


@dataclasses.dataclass(frozen=True)
class Scale:
    """What membranes mean in pixels: `middle` + `span` * (their mean over the steps) / threshold."""

    middle: float
    span: float

    def of_sums(self, network: Network, spikes: np.ndarray) -> np.ndarray:
        """The golden model's disparities float64 [B, h, w] of uint8 windows [B, T, h, w, C]."""
        sums = golden.run(network, network.encode(spikes)).sums
        assert sums is not None
        unit = network.timesteps * network.layers[-1].threshold.astype(np.float64)
        return self.middle + self.span * (sums / unit).reshape(-1, *network.layers[-1].shape[:2])


class ByDisparity(Optimised):
    """One step of AdamW per batch on the error of disparities, whose labels are maps [B, h * w]."""

    def __init__(self, network: SpikingNetwork, means: Means, scale: Scale):
        super().__init__(network, means, make_optimiser(network, means.settings))
        self.scale = scale

    def step(self, network: nn.Module, batch: Batch) -> dict[str, float]:
        s = self.means.settings
        trains = network(batch.spikes)
        unit = self.network.synapses[-1].integers()[2].detach()
        found = self.scale.middle + self.scale.span * trains[-1].mean(0) / unit
        known = ~batch.labels.isnan()
        loss = functional.smooth_l1_loss(found[known], batch.labels[known])
        fired = self.network.fired([*trains[:-1], torch.zeros_like(trains[-1])])
        total = loss + s.activity_weight * PRICES[s.activity_price](fired, self.network.activity_targets)
        if not math.isfinite(total.item()):
            raise Diverged(f"its loss is {total.item()}")
        self.optimiser.zero_grad()
        total.backward()
        self.descend(batch.learning_rate)
        error = (found[known] - batch.labels[known]).abs().mean().item()
        return {"loss": loss.item(), "error": error}


def train_disparities(
    config: Config,
    views: Views,
    scale: Scale,
    folder: Path,
    batches: int,
    on_step: Callable[[int, int], None] | None = None,
) -> tuple[Network, Progress]:
    """The integer network of a configuration, trained on windows of views, and how its training went.

    Windows have the size `data.size`, which is that of the last layer's map; a pass has so many `batches`.
    Goes on from the checkpoint of the last whole pass in `folder`. Raises Diverged, and what `on_step`
    raises.
    """
    settings = config.training
    shape = (config.timesteps, *_size(config), views.spikes.shape[-1])
    network = SpikingNetwork(config, shape)
    network.initialise(settings, torch.Generator().manual_seed(config.seed))
    rule = ByDisparity(network, Means(settings, Ranks()), scale)
    path, table = folder / CHECKPOINT_FILE, config.training_table()
    progress = Progress()
    if path.is_file():
        progress = load_checkpoint(read_checkpoint(path), path, network, rule, table)
    watch, steps = Stopwatch(progress), settings.epochs * batches
    while progress.epoch < settings.epochs:
        sums: dict[str, float] = {}
        for step in range(batches):
            done = progress.epoch * batches + step
            rng = np.random.default_rng((config.seed, progress.epoch, step))
            spikes, known = views.windows(views.drawn(settings.batch_size, shape[1:3], rng), shape[1:3])
            seen = input_spikes(config.encoder, torch.from_numpy(spikes), config.timesteps)
            labels = torch.from_numpy(known.reshape(len(known), -1))
            rate = one_cycle(done, steps, settings.learning_rate)
            for name, value in rule.step(network, Batch(seen, labels, rate)).items():
                sums[name] = sums.get(name, 0.0) + value / batches
            if on_step:
                on_step(progress.epoch, step + 1)
        progress.epoch += 1
        progress.history.append({"epoch": progress.epoch, **sums})
        watch.read()
        save_checkpoint(path, network, rule, progress, table)
    return _exported(network.eval(), config, shape), progress


def _size(config: Config) -> tuple[int, int]:
    """Rows and columns of a window, which the configuration has as `data.size`."""
    height, width = config.data.size
    return height, width


def _exported(network: SpikingNetwork, config: Config, shape: tuple[int, ...]) -> Network:
    return untaught_network(
        network.stages,
        name=config.name,
        timesteps=config.timesteps,
        encoder=config.encoder,
        shape=shape,
        provenance={"config": config.training_table(), "versions": package_versions()},
        readout=config.readout,
    )
