"""Images that small networks learn in seconds."""

import numpy as np

from twinspike.config import load_config
from twinspike.model.data.dataset import Dataset
from twinspike.model.training.training import train
from twinspike.quant.network_file import load_network


def corners(count, seed):
    """Noisy 6x6 images of three classes: a bright square in one of three corners."""
    rng, labels = np.random.default_rng(seed), np.arange(count) % 3
    images = rng.integers(0, 60, (count, 6, 6))
    for image, label in zip(images, labels, strict=True):
        y, x = ((0, 0), (0, 3), (3, 0))[label]
        image[y : y + 3, x : x + 3] = rng.integers(150, 256, (3, 3))
    return images.astype(np.uint8), labels.astype(np.int64)


def corners_dataset():
    """120 of them to train and 60 to measure."""
    return Dataset("corners", *corners(120, 0), *corners(60, 1), {"corners": "none"})


def trained_on_corners(folder, text, **options):
    """A configuration's text trained on corners in a folder: its metrics, the dataset and the network."""
    path, out = folder / "corners.toml", folder / "out"
    path.write_text(text)
    dataset = corners_dataset()
    metrics = train(load_config(str(path)), out, progress=False, dataset=dataset, **options)
    return metrics, dataset, load_network(out / "network.safetensors")
