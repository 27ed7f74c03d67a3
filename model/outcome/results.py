"""What a finished training leaves: the integer network, its figures, and the proof that both agree."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...numerics import emd
from ...numerics.differences import first_difference
from ...numerics.errors import TwinspikeError
from ...numerics.progress import Bar
from ...quant.class_names import KEY as CLASS_NAMES
from ...quant.class_names import worth_keeping
from ...quant.export import package_versions, untaught_network
from ...quant.network import Network, References
from ...sim import golden
from ..data.dataset import Dataset
from ..data.shipped import DATASETS
from ..network.network import SpikingNetwork
from .evaluation import answers, choose_verify_threshold, class_references, embed, evaluate, own_thresholds
from .groups import grouped_references
from .references import refined_if_better
from .thresholds import surrogate_distances

if TYPE_CHECKING:
    from ...config import Config

CHUNK = 500


def training_table(config: Config) -> dict[str, Any]:
    """The part of the configuration that a trained network depends on, with its name."""
    return {"name": config.name, **config.training_table()}


def weights_table(config: Config) -> dict[str, Any]:
    """The part that its weights depend on: references are made when the network is exported."""
    table = training_table(config)
    for key in ("references", "reference_temperature", "own_thresholds", "threshold_choice"):
        table["training"].pop(key, None)  # settings that came later are left out where they are as usual
    return table


def integer_layers(network: SpikingNetwork, config: Config, dataset: Dataset) -> Network:
    """The integer network of a trained one, which has no references yet."""
    provenance = {
        "config": training_table(config),
        "seed": config.seed,
        "data_checksums": dataset.checksums,
        "versions": package_versions(),
    }
    # Datasets that ship with twinspike have numbers for names: their networks' files stay what they are.
    if config.dataset not in DATASETS and worth_keeping(dataset.class_names):
        provenance[CLASS_NAMES] = list(dataset.class_names)
    return untaught_network(
        network.stages,
        name=config.name,
        timesteps=config.timesteps,
        encoder=config.encoder,
        shape=dataset.shape,
        provenance=provenance,
        readout=config.readout,
    )


def with_references(
    untaught: Network,
    config: Config,
    dataset: Dataset,
    counts: np.ndarray,
    progress: bool,
    given: References | None = None,
) -> Network:
    """A network with references and decision threshold, of its training images' counts [T, B, n_out].

    The classes' element-wise medians, refined if the configuration says so and it helps, are the references,
    or those of several groups of a class, and the equal error point between own and other references is the
    verify threshold; references may have thresholds of their own as well. A readout without references has
    that of its own distances; references that are `given` by the learning rule stay as they are.
    """
    if config.readout != "emd":
        found = embed(untaught, dataset.train_images, progress=progress, title="membranes")
        distance, outputs = answers(untaught, found)
        threshold = choose_verify_threshold(distance, dataset.train_labels, outputs)
        return dataclasses.replace(untaught, verify_threshold=threshold)
    labels, most = dataset.train_labels, config.training.references
    references = given or (
        grouped_references(counts, labels, most) if most > 1 else class_references(counts, labels)
    )
    if not given and (heat := config.training.reference_temperature):
        references = refined_if_better(references, counts, labels, heat, progress=progress)
    distance = emd.distances(counts, references.counts)
    threshold = choose_verify_threshold(distance, labels, references.labels)
    if config.training.own_thresholds:
        choose = surrogate_distances if config.training.threshold_choice == "f1" else own_thresholds
        limits = choose(distance, labels, references.labels)
        references = dataclasses.replace(references, threshold=limits)
    return dataclasses.replace(untaught, references=references, verify_threshold=threshold)


def with_metrics(
    integer: Network, dataset: Dataset, counts: np.ndarray | None, progress: bool
) -> tuple[Network, dict[str, Any]]:
    """Evaluate the integer network on the test images; the figures also go into its provenance.

    `counts` [T, B, n_out] are those of the training images, where they are known.
    """
    metrics = evaluate(integer, dataset, train_counts=counts, progress=progress)
    return dataclasses.replace(integer, provenance={**integer.provenance, "metrics": metrics}), metrics


@torch.no_grad()
def spikes_compared(network: SpikingNetwork, integer: Network, images: np.ndarray, progress: bool) -> int:
    """How many neuron steps of torch and golden model were compared on uint8 images [B, *shape]: all.

    Raises TwinspikeError at the first spike that differs, naming frame, step, layer and neuron.
    """
    device = next(network.parameters()).device
    compared = 0
    starts = range(0, len(images), CHUNK)
    for start in Bar(starts, desc="torch against golden", unit="chunk", disable=not progress):
        part = images[start : start + CHUNK]
        trace = golden.run(integer, integer.encode(part), membranes=integer.readout == "membrane")
        # Where membranes are added up the last layer's are compared: it has no spikes.
        expected = [*trace.spikes[:-1], trace.membranes[-1] if trace.membranes else trace.spikes[-1]]
        found = network(torch.from_numpy(part).to(device))
        for layer, want, got in zip(itertools.count(), expected, found, strict=False):
            # A sum pool sends multiplicities, integer-valued as everything else.
            spikes = got.cpu().numpy()
            _compare(layer, start, want, spikes > 0.5 if want.dtype == bool else spikes)
            compared += want.size
    return compared


def _compare(layer: int, first_frame: int, want: np.ndarray, got: np.ndarray) -> None:
    if want.shape != got.shape:
        raise TwinspikeError(f"layer {layer}: torch gives spikes {got.shape}, golden model {want.shape}")
    if where := first_difference(want, got):
        b, t, n = where
        raise TwinspikeError(
            f"torch and golden model differ at frame {first_frame + b}, step {t}, layer {layer}, neuron {n}: "
            f"golden {int(want[t, b, n])}, got {int(got[t, b, n])} ({int((want != got).sum())} differences)"
        )
