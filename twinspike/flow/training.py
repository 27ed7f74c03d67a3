"""Training as a step of the flow: what can be judged beforehand is, and what came out is looked at."""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twinspike.config import Config
from twinspike.hw.devices import device
from twinspike.hw.plan.choose import check_buildable
from twinspike.hw.predict.placement import ram_blocks
from twinspike.model.data.dataset import Dataset
from twinspike.model.data.images import bright_ground
from twinspike.model.data.load import config_dataset
from twinspike.model.data.recorded import RECORDED
from twinspike.model.data.shipped import DATASETS
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.locks import alone_with
from twinspike.numerics.progress import say
from twinspike.quant.network import Network, References
from twinspike.quant.spec import check_trainable
from twinspike.quant.synapses.kinds import KINDS

from .folders import GENERIC, Folders
from .identity import claimed
from .plans import make_plan_for

# Encoders for which a pixel spikes, or spikes earlier, where it is bright.
SPIKES_WHERE_BRIGHT = ("latency", "rate", "threshold")


def train(
    config: Config, place: Folders, *, resume: bool, warn: Callable[[str], None], tensorboard: bool = False
) -> dict[str, Any]:
    """Train, export and evaluate; returns the metrics, nothing in all but one of several processes.

    Raises TwinspikeError before anything is trained or written if the configuration asks for what cannot
    be trained, or for a core that cannot be built; `warn` is told of devices that it will not fit.
    """
    for index, layer in enumerate(config.layers):
        if KINDS[layer.kind].fires:
            check_trainable(layer, f"layers.{index}")
    from twinspike.model.network.blank import blank_network

    dataset = config_dataset(config)
    if hint := ground_hint(config, dataset):
        warn(hint)
    taught = dataset.taught or dataset
    for warning in judge_core(config, blank_network(config, dataset.shape, np.unique(taught.train_labels))):
        warn(warning)
    from twinspike.model.training.training import train as run

    # Processes that torchrun started work on one training together.
    together = int(os.environ.get("WORLD_SIZE", "1")) > 1
    stepped = threading.Event()
    alone = contextlib.nullcontext() if together else alone_with(place.build / "training")
    with claimed(config, place.build, stepped.is_set), alone:
        metrics = run(
            config,
            place.build,
            resume=resume,
            dataset=dataset,
            on_step=lambda *at: stepped.set(),
            tensorboard=tensorboard,
        )
    if metrics and not stepped.is_set():
        changed = f", with {', '.join(config.changes)} by --set" if config.changes else ""
        say(f"{config.name} was trained to the end before{changed}; without --resume it is trained anew")
    return metrics


def ground_hint(config: Config, dataset: Dataset) -> str:
    """What to say of a folder of images that are bright in most places, where bright ones spike; else ""."""
    own = config.dataset not in (*DATASETS, *RECORDED) and config.dataset_path.is_dir()
    concerned = config.encoder.kind.removesuffix("-dense") in SPIKES_WHERE_BRIGHT and not config.data.invert
    if not (own and concerned):
        return ""
    images = dataset.train_images
    return bright_ground(np.median(images.reshape(len(images), -1), axis=1))


def has_core(network: Network) -> bool:
    """Whether a core can be made of a network; one of a kind without hardware runs in software alone."""
    try:
        check_buildable(network)
    except TwinspikeError:
        return False
    return True


def judge_core(config: Config, network: Network) -> list[str]:
    """What stands against the configuration's core on its devices, a line each, as far as sizes tell.

    A network of a kind that has no hardware runs in software alone, of which one line tells. Raises
    TwinspikeError for lanes, banks, slots or pixels that do not suit the network on any device.
    """
    try:
        check_buildable(network)
    except TwinspikeError as error:
        return [f"no core can be built of this network: {error}"]
    make_plan_for(config, network, GENERIC)
    found = []
    for target in config.hardware.targets:
        try:
            plan = make_plan_for(config, network, target)
        except TwinspikeError as error:
            found.append(f"the core will not be built for {target}: {error}")
            continue
        # Without its content a memory may come out smaller than it will be, never larger.
        need, have = ram_blocks(plan), device(target).ram_blocks
        if need > have:
            found.append(f"the core will not fit {target}: at least {need} block RAMs, it has {have}")
    return found


def same_references(references: References) -> list[list[int]]:
    """Groups of labels whose references are equal: no image can be told apart between them."""
    groups: dict[bytes, list[int]] = {}
    for counts, label in zip(references.counts, references.labels, strict=True):
        groups.setdefault(counts.tobytes(), []).append(int(label))
    return [labels for labels in groups.values() if len(labels) > 1]


def verdict(references: References) -> tuple[bool, str]:
    """Whether a trained network tells any two classes apart, and what is to be said about its references."""
    groups = same_references(references)
    if not groups:
        return True, ""
    remedy = "train longer, or change training.learning_rate, training.initial_gain or the layers"
    if len(groups[0]) == len(references.labels):
        return False, (
            f"the network learned nothing: the references of all {len(references.labels)} classes are equal; "
            f"{remedy}"
        )
    return True, f"classes {_listed(groups)} have equal references and cannot be told apart: {remedy}"


def _listed(groups: Sequence[Sequence[int]]) -> str:
    return "; ".join(", ".join(map(str, labels)) for labels in groups)
