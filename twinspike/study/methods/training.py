"""A configuration trained as a part of a method's measurement, and its control by today's rule."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from twinspike.config import Config, config_from_table, load_config
from twinspike.executor import Workplace
from twinspike.flow.folders import Folders
from twinspike.model.data.dataset import Dataset
from twinspike.model.data.load import config_dataset
from twinspike.model.settings import OUTPUTS_ARE_LABELS
from twinspike.quant.network import Network
from twinspike.quant.network_file import load_network
from twinspike.quant.sizes import sizes

from ..runs import data_checksums, nameless
from .cores import core_figures
from .method import Part, Row

Changes = dict[str, Any]
_FIGURES = (
    "accuracy",
    "macro_f1",
    "hidden_activity",
    "spikes_per_image",
    "train_cpu_seconds",
    "epochs",
    "seed",
)


def trained(place: Workplace, config: Config) -> tuple[Network, Dataset, Row]:
    """The network of a configuration, trained in the workplace or found there; its data and figures."""
    from twinspike.model.training.training import train

    dataset = config_dataset(config, progress=False)
    metrics = train(config, place.folder, resume=True, progress=False, dataset=dataset, on_step=place)
    network = load_network(Folders(place.folder).network)
    row = {key: metrics[key] for key in _FIGURES}
    shape = {"shape": sizes(network), "timesteps": network.timesteps}
    images = {"train": len(dataset.train_labels), "test": len(dataset.test_labels)}
    return network, dataset, {**row, **shape, **weights_of(network), **images}


def weights_of(network: Network) -> Row:
    """How many weights the network has, those that layers share once, and the bits that they take."""
    own = [layer for layer in network.layers if layer.weights_of is None]
    bits = sum(layer.weight.size * layer.spec.weight_bits for layer in own)
    return {"weights": sum(layer.weight.size for layer in own), "weight_memory_bits": bits}


def changed(place: Workplace, name: str, variant: str, changes: Changes) -> Row:
    """The figures of a configuration with other settings, named after it and the `variant`."""
    _, _, row = trained(place, with_changes(name, variant, changes))
    return row


def with_layers(name: str, variant: str, layers: list[dict[str, Any]], **scalars: Any) -> Config:
    """A configuration with other `[[layers]]` entries, and other scalars at its head."""
    table = load_config(name).table()
    del table["name"]
    return config_from_table(f"{name}-{variant}", table | {"layers": layers} | scalars)


def with_changes(name: str, variant: str, changes: Changes) -> Config:
    """A configuration with other settings, as `Config.changed` takes them."""
    return load_config(name).changed(f"{name}-{variant}", **changes)


def control(place: Workplace, name: str, passes: int) -> Row:
    """A configuration's network and data with the surrogate rule and what that rule needs.

    It goes back through every step, and takes many times as long a pass.
    """
    config = by_surrogate(load_config(name)).changed(f"{name}-control", training={"epochs": passes})
    _, _, row = trained(place, config)
    return row


def by_surrogate(config: Config) -> Config:
    """The configuration with today's rule: thresholds of each neuron, references of the training images."""
    layers = [{"layer_scale": False} for _ in config.layers]
    training = {
        **{"rule": "surrogate", "initial_bias": 0.02, "initial_gain": 1.5, "learning_rate": 6e-3},
        **{"reference_temperature": 0.03, "initial_weights": "normal"},
    }
    return config.changed(config.name, layers=layers, training=training)


def with_core(place: Workplace, name: str) -> Row:
    """A configuration trained, its figures, and those of its core; by firing times also those of ties."""
    config = load_config(name)
    network, dataset, row = trained(place, config)
    if config.training.rule in OUTPUTS_ARE_LABELS:
        row |= first_spikes(network, dataset)
    return row | {"core": core_figures(place, config, network, dataset.test_images)}


def first_spikes(network: Network, dataset: Dataset) -> Row:
    """How many test images are right if a tie of first spikes counts as right, and how many have a tie."""
    from twinspike.model.outcome.evaluation import embed

    counts = embed(network, dataset.test_images, progress=False).counts
    times = network.timesteps - counts.sum(axis=0, dtype=np.int64)
    first = times == times.min(axis=1, keepdims=True)
    own = np.take_along_axis(first, dataset.test_labels[:, None], 1)
    return {"accuracy_ties_right": float(own.mean()), "ties": float((first.sum(axis=1) > 1).mean())}


def part(name: str, call: Callable[..., Row], config: str, *more: Any) -> Part:
    """The part ``call(workplace, config, *more)``, of a configuration that ships and of its data."""
    return Part(name, call, (config, *more), partial(depends_on, config))


def depends_on(name: str) -> list[Any]:
    """A configuration and the checksums of its data; raises TwinspikeError for a file that is missing."""
    config = load_config(name)
    return [nameless(config), data_checksums(config)]
