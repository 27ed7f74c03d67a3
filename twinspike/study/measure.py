"""One trained configuration, measured in every way that studies compare: accuracy, activity, cycles, time."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.config import Config
from twinspike.flow.folders import Folders
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.cycles import frame_times
from twinspike.model.data.dataset import Dataset
from twinspike.model.data.load import config_dataset
from twinspike.quant.network import Network
from twinspike.quant.network_file import load_network
from twinspike.sim import golden

# Cycles vary little from image to image: the median of this many is within a per cent of all images'.
CYCLE_IMAGES = 300
TIMED_IMAGES = 500
_METRICS = (
    "macro_f1",
    "accuracy",
    "macro_f1_knn",
    "hidden_activity",
    "spikes_per_image",
    "synaptic_operations",
    "train_seconds",
    "train_cpu_seconds",
    "epochs",
    "seed",
    "network_hash",
)


def measure(
    config: Config, folder: Path, on_step: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Train `config` into `folder`, from a checkpoint there if any; its row of figures, JSON-ready."""
    from twinspike.model.training.training import train

    dataset = config_dataset(config, progress=False).first(config.training.images)
    metrics = train(config, folder, resume=True, progress=False, dataset=dataset, on_step=on_step)
    network = load_network(Folders(folder).network)
    row = {key: metrics[key] for key in _METRICS}
    row["cycles"] = image_cycles(network, dataset.test_images[:CYCLE_IMAGES], config.hardware.lanes)
    return row | own_distance(config, network, dataset) | inference_time(config, folder, dataset)


def image_cycles(network: Network, images: np.ndarray, lanes: tuple[int, ...]) -> dict[str, float]:
    """Median clocks per image in the RTL by the cycle contract: {latency, interval}; images [B, *shape]."""
    plan = make_plan(network, lanes)
    spikes = network.encode(images)
    layers = golden.run(network, spikes).spikes
    first, last = frame_times(plan, spikes, layers, isolate=True)
    latency = np.median(last - first)
    _, last = frame_times(plan, spikes, layers, isolate=False)
    return {"latency": float(latency), "interval": float(np.median(np.diff(last)))}


def own_distance(config: Config, network: Network, dataset: Dataset) -> dict[str, float]:
    """Macro-F1 with one reference per class under the distance that the loss used; nothing if it is EMD."""
    import torch

    from twinspike.model.loss import distances
    from twinspike.model.outcome.evaluation import embed, macro_f1

    kind, tau = config.training.distance, config.training.tau
    if kind == "emd":
        return {}

    def vectors(images: np.ndarray) -> torch.Tensor:
        counts = embed(network, images, progress=False).counts
        spikes = np.diff(counts, axis=0, prepend=np.zeros_like(counts[:1])).astype(np.float32)
        return distances.features(kind, torch.from_numpy(spikes), tau)

    centres = distances.class_centres(
        kind, vectors(dataset.train_images), torch.from_numpy(dataset.train_labels)
    )
    nearest = distances.feature_distance(kind, vectors(dataset.test_images), centres).argmin(1)
    return {"macro_f1_own_distance": macro_f1(dataset.test_labels, nearest.numpy())}


def inference_time(config: Config, folder: Path, dataset: Dataset) -> dict[str, float]:
    """Wall-clock of the network in torch, event-driven, in microseconds per image: the best of a few runs."""
    import torch

    from twinspike.model.training.training import trained_network

    network, taken = trained_network(config, folder, dataset), []
    images = torch.from_numpy(dataset.test_images[:TIMED_IMAGES])
    with torch.no_grad():
        for _ in range(5):
            before = time.perf_counter()
            network(images)
            taken.append(time.perf_counter() - before)
    return {"inference_us": min(taken) / len(images) * 1e6}
