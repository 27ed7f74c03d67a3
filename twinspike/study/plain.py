"""Plain classifiers on the same recordings, which a spiking network should beat."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.config import Config
from twinspike.model.data.own import assembled
from twinspike.model.data.recorded import recorded_entries
from twinspike.model.data.samples import Samples
from twinspike.numerics.encodings import Mel, Packets
from twinspike.numerics.recordings import Flow, Recording, Sound

# Features float [N, n] and labels of the samples that train and of those that measure.
Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def plain_scores(config: Config) -> list[dict[str, Any]]:
    """What plain classifiers make of the recordings of a configuration's dataset, split as for the network.

    Events: the nearest neighbour on the events of each address. Packets: on the histogram of sizes, in the
    encoding's bins. Sound: logistic regression, a perceptron and support vectors on the loudness of
    the encoding's mel bands. Each is {what, macro_f1, accuracy}.
    """
    if isinstance(config.encoder, Packets):
        return _packets(config)
    if isinstance(config.encoder, Mel):
        return _sound(config)
    return _events(config)


def _events(config: Config) -> list[dict[str, Any]]:
    from twinspike.model.data.load import config_dataset

    data = config_dataset(config, progress=False)
    train, test = (
        x.sum(axis=1, dtype=np.int64).reshape(len(x), -1) for x in (data.train_images, data.test_images)
    )
    split = (train.astype(float), data.train_labels, test.astype(float), data.test_labels)
    return [_score("nearest neighbour on event counts", _nearest("euclidean"), split)]


def _packets(config: Config) -> list[dict[str, Any]]:
    encoder = config.encoder
    assert isinstance(encoder, Packets)

    def counts(flow: Recording) -> np.ndarray:
        assert isinstance(flow, Flow)
        bin = np.minimum(np.abs(flow.size) * encoder.bins // encoder.largest, encoder.bins - 1)
        found = np.zeros((2, encoder.bins))
        np.add.at(found, ((flow.size < 0).astype(int), bin), 1)
        return found.ravel()

    entries = recorded_entries(config.dataset, config.data.fold)
    train, known, test, wanted = split_of(config, [counts(entry.read()) for entry in entries])
    forms: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "packet counts": lambda x: x,
        "shares": lambda x: x / x.sum(axis=1, keepdims=True),
        "log(1 + counts)": np.log1p,
    }
    return [
        _score(
            f"nearest neighbour on the histogram of sizes, {what}",
            _nearest("manhattan"),
            (form(train), known, form(test), wanted),
        )
        for what, form in forms.items()
    ]


def _sound(config: Config) -> list[dict[str, Any]]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    encoder = config.encoder
    assert isinstance(encoder, Mel)
    frames = encoder.frames if encoder.coding == "latency" else config.timesteps
    split = split_of(config, _loudness(config.dataset, encoder, frames))
    models = {
        "logistic regression": LogisticRegression(C=0.01, max_iter=300),
        "perceptron with 256 hidden neurons": MLPClassifier((256,), alpha=1.0, max_iter=60, random_state=0),
    }
    models = {what: make_pipeline(StandardScaler(), model) for what, model in models.items()}
    # Its kernel needs bands as loud as they are.
    models["support vectors with Gaussian kernels"] = SVC(C=10)
    return [
        _score(f"{what} on the loudness of the mel bands", model, split) for what, model in models.items()
    ]


def split_of(config: Config, features: Iterable[np.ndarray]) -> Split:
    """The features of all recordings of a named dataset, in the parts that the configuration trains on."""
    rows: dict[str, tuple[list[np.ndarray], list[str]]] = {}
    for entry, row in zip(recorded_entries(config.dataset, config.data.fold), features, strict=True):
        x, names = rows.setdefault(entry.part, ([], []))
        x.append(row)
        names.append(entry.name)
    parts = [Samples(part, np.stack(x), names) for part, (x, names) in rows.items()]
    whole = dataclasses.replace(config.data, validate=0.0)
    data = assembled(Path(config.dataset), parts, whole, "")
    return data.train_images, data.train_labels, data.test_images, data.test_labels


@lru_cache(maxsize=1)
def _loudness(dataset: str, encoder: Mel, frames: int) -> np.ndarray:
    """[N, frames * bands] of all recordings, whatever the fold: they come in the same order in each."""
    sounds = (sound for entry in recorded_entries(dataset) if isinstance(sound := entry.read(), Sound))
    return np.stack([encoder.loudness(sound, frames).ravel() for sound in sounds])


def _nearest(metric: str) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(1, metric=metric)


def _score(what: str, model: Any, split: Split) -> dict[str, Any]:
    from twinspike.model.outcome.evaluation import macro_f1

    train, known, test, wanted = split
    predicted = model.fit(train, known).predict(test)
    return {
        "what": what,
        "macro_f1": macro_f1(wanted, predicted),
        "accuracy": float((predicted == wanted).mean()),
    }
