"""What an exported NIR graph loses: its real-valued neurons run against the integer network."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.floating import FloatLayer
from twinspike.quant.network import Network
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_import import float_layers, run_layers
from twinspike.sim import golden

FRAMES = 200


def check(network: Network, path: Path, config: str | None) -> str:
    """One line: how many spikes differ between the graph in `path`, in 64 and 32 bits, and the integers."""
    images, source = _images(network, config)
    spikes = network.encode(images)
    expected = golden.run(network, spikes).spikes
    layers = float_layers(read_graph(path))
    wide, narrow = (_differ(run_layers(_in(layers, kind), spikes), expected) for kind in ("f8", "f4"))
    total = sum(int(train.sum()) for train in expected)
    where = f"of {total:,} spikes in {len(images)} frames ({source})"
    if not wide and not narrow:
        return f"as other tools run it, in 64 and in 32 bits, none {where} differs from the integer network"
    why = "their leak is not rounded down and membranes are not clamped" if wide else "32 bits are too few"
    return f"as other tools run it {wide:,} ({narrow:,} in 32 bits) {where} differ from the integers: {why}"


def _images(network: Network, config: str | None) -> tuple[np.ndarray, str]:
    if config is None:
        drawn = np.random.default_rng(0).integers(0, 256, (FRAMES, *network.shape), dtype=np.uint8)
        return drawn, "noise"
    from twinspike.config import load_config
    from twinspike.model.data.shipped import load_dataset

    images = load_dataset(load_config(config).dataset).test_images[:FRAMES]
    if images.shape[1:] != network.shape:
        raise TwinspikeError(
            f"--config {config}: its images are {images.shape[1:]}, the network takes {network.shape}: "
            "choose the configuration that it was trained with"
        )
    return images, f"test images of {config}"


def _in(layers: tuple[FloatLayer, ...], kind: str) -> list[FloatLayer]:
    """The layers with all numbers of another precision."""
    fields = ("weight", "bias", "decay", "threshold")
    return [
        dataclasses.replace(layer, **{name: getattr(layer, name).astype(kind) for name in fields})
        for layer in layers
    ]


def _differ(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> int:
    return sum(int((a != b).sum()) for a, b in zip(found, expected, strict=True))
