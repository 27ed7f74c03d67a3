"""How good an integer network is: classification, verification, activity. Runs the golden model only.

Nothing here sees a float of the training: the figures are those of the core that will be built.
"""

import dataclasses
import itertools
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, roc_auc_score

from ...numerics import emd
from ...numerics.decision import fitted_threshold
from ...numerics.errors import TwinspikeError
from ...numerics.progress import Bar
from ...quant.network import Network, References
from ...sim import golden
from ..data.dataset import Dataset
from .baseline import raw_pixel_knn
from .neighbours import nearest_by_sums, nearest_labels, subset_size

PAIRS = 20_000
SEED = 0  # of the pairs and of the training subset for the neighbours: the same for every network
# Spikes (bytes) of one layer held at once while embedding.
CHUNK_BYTES = 1 << 24


@dataclasses.dataclass(frozen=True, eq=False)
class Embedding:
    """What the network makes of B images.

    `counts`: cumulative output counts uint8 [T, B, n_out]. `spikes`: int64 [B, 1 + layers], the
    number of spikes of the input and of each layer. `active`: float64 [B], the share of hidden
    neurons (all layers but the last) that fire at least once; 0 without a hidden layer. `operations`:
    int64 [B], synaptic operations, the fan-out of every event. `sums`: int64 [B, n_out], those of the last
    layer's membranes where the readout adds them up.
    """

    counts: np.ndarray
    spikes: np.ndarray
    active: np.ndarray
    operations: np.ndarray
    sums: np.ndarray | None = None

    @property
    def places(self) -> np.ndarray:
        """What images are compared by, [T or 1, B, n_out]: cumulative counts, or the sums of membranes."""
        return self.counts if self.sums is None else self.sums[None]


def embed(network: Network, images: np.ndarray, *, progress: bool = True, title: str = "embed") -> Embedding:
    """Run uint8 images [B, *shape] through encoder and golden model, in chunks of bounded memory."""
    if images.shape[1:] != network.shape:
        raise TwinspikeError(
            f"images are {list(images.shape[1:])} but network {network.name!r} takes {list(network.shape)}: "
            "evaluate it on the dataset that it was trained for"
        )
    widest = max(network.inputs, *(layer.neurons for layer in network.layers))
    chunk = max(1, min(1000, CHUNK_BYTES // (network.timesteps * widest)))
    fires = [layer.synapses.fires for layer in network.layers[:-1]]
    hidden = sum(layer.neurons for layer in network.layers[:-1] if layer.synapses.fires)
    fan_out = [
        np.array([layer.synapses.fan_out(address) for address in range(layer.inputs)])
        for layer in network.layers
    ]
    counts = np.empty((network.timesteps, len(images), network.outputs), dtype=np.uint8)
    spikes = np.empty((len(images), 1 + len(network.layers)), dtype=np.int64)
    active = np.zeros(len(images))
    operations = np.zeros(len(images), dtype=np.int64)
    sums = np.zeros((len(images), network.outputs), np.int64) if network.readout == "membrane" else None
    with Bar(total=len(images), desc=title, unit="image", disable=not progress) as bar:
        for start in range(0, len(images), chunk):
            part = slice(start, start + chunk)
            inputs = network.encode(images[part])
            trace = golden.run(network, inputs)
            counts[:, part] = trace.output_counts
            if sums is not None and trace.sums is not None:
                sums[part] = trace.sums
            for column, train in enumerate((inputs, *trace.spikes)):
                spikes[part, column] = train.sum(axis=(0, 2))
            for index, reach in enumerate(fan_out):
                sources = [inputs if s < 0 else trace.spikes[s] for s in network.sources(index)]
                arrived = golden.combined(sources, network.layers[index].combine)
                operations[part] += arrived.sum(axis=0, dtype=np.int64) @ reach
            for train in itertools.compress(trace.spikes, fires):
                active[part] += train.any(axis=0).sum(axis=1) / hidden
            bar.update(inputs.shape[1])
    return Embedding(counts, spikes, active, operations, sums)


def answers(network: Network, found: Embedding) -> tuple[np.ndarray, np.ndarray]:
    """Distances int64 [B, K] of the readout's candidates, and the label that each of them stands for."""
    if found.sums is not None:
        return golden.lacks(network, found.sums), np.arange(network.outputs)
    return emd.distances(found.counts, network.references.counts), network.references.labels


def evaluate(
    network: Network, dataset: Dataset, *, train_counts: np.ndarray | None = None, progress: bool = True
) -> dict[str, Any]:
    """Every figure of a network on a dataset's test images, JSON-ready; the same on every run.

    `train_counts` [T, B, n_out]: those of the training images, where they are known; else some are embedded.

    macro_f1, accuracy          one reference per class (those of the network), nearest by EMD; or the
                                output with the largest sum of membranes, all distances being of sums then
    macro_f1_knn                3 nearest by EMD of `knn_train_images` embedded training images
    baseline_knn_macro_f1       3 nearest by L2 of all training images' raw pixels
    hidden_activity             mean share of hidden neurons that fire at least once per image
    spikes_per_image            {input, hidden, output}, means
    synaptic_operations         mean an image: sum over layers and their input spikes of the fan-out
    verification                image against image: {roc_auc, eer, threshold, pairs}
    verification_reference      image against reference: {roc_auc, eer, threshold}, and the errors
                                {false_accept, false_reject} at the network's own thresholds
    confusion                   [true][predicted] counts of all classes, labels ascending
    test_images                 how many
    """
    test = embed(network, dataset.test_images, progress=progress, title="test images")
    labels = dataset.test_labels
    distance, candidates = answers(network, test)
    index, _, _ = emd.nearest(distance)
    predicted = candidates[index].astype(np.int64)

    rng = np.random.default_rng(SEED)
    some = min(len(dataset.train_images), subset_size(len(labels), test.counts))
    chosen = np.sort(rng.permutation(len(dataset.train_images))[:some])
    sums = None
    if train_counts is None or test.sums is not None:
        images = dataset.train_images[chosen]
        train = embed(network, images, progress=progress, title="training images")
        stored, sums = train.counts, train.sums
    else:
        stored = train_counts[:, chosen]
    known = dataset.train_labels[chosen]
    if sums is not None and test.sums is not None:
        neighbours = nearest_by_sums(test.sums, sums, known, k=3)
    else:
        neighbours = nearest_labels(test.counts, stored, known, k=3, progress=progress)

    mean_spikes = test.spikes.mean(axis=0)
    return {
        "macro_f1": macro_f1(labels, predicted),
        "accuracy": float(accuracy_score(labels, predicted)),
        "macro_f1_knn": macro_f1(labels, neighbours),
        "knn_train_images": some,
        "baseline_knn_macro_f1": raw_pixel_knn(dataset, progress=progress),
        "hidden_activity": float(test.active.mean()),
        "spikes_per_image": {
            "input": float(mean_spikes[0]),
            "hidden": float(mean_spikes[1:-1].sum()),
            "output": float(mean_spikes[-1]),
        },
        "synaptic_operations": float(test.operations.mean()),
        "verification": verify_pairs(test.places, labels, rng),
        "verification_reference": _verify_references(network, distance, labels, candidates),
        "confusion": confusion_matrix(labels, predicted, labels=np.union1d(labels, candidates)).tolist(),
        "test_images": len(labels),
    }


def macro_f1(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Unweighted mean of the classes' F1 scores."""
    return float(f1_score(labels, predicted, average="macro", zero_division=0))


def class_references(counts: np.ndarray, labels: np.ndarray) -> References:
    """One reference per class from cumulative counts [T, B, n_out] and labels [B], labels ascending.

    The reference is the element-wise lower median (`numerics.emd.median_reference`).
    """
    classes = np.unique(labels)
    tables = [emd.median_reference(counts[:, labels == label]) for label in classes]
    return References(np.stack(tables), classes.astype(np.int32))


def choose_verify_threshold(distance: np.ndarray, labels: np.ndarray, reference_labels: np.ndarray) -> int:
    """The decision threshold at the equal error point of images against own and other references.

    distance int [B, K] of images to references, labels [B], reference_labels [K]; of several
    references of a class the nearest counts. Use training images: a threshold chosen on test images
    would flatter the test. Raises TwinspikeError if no pair, or every pair, is of one class.
    """
    distance, classes = nearest_of_classes(distance, reference_labels)
    same = labels[:, None] == classes[None, :]
    _, threshold = equal_error(distance.ravel(), same.ravel())
    return threshold


def nearest_of_classes(distance: np.ndarray, reference_labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances int [B, C] to the nearest reference of each class, from those [B, K] to all; the classes."""
    classes = np.unique(reference_labels)
    if len(classes) == len(reference_labels):
        return distance, reference_labels
    return np.stack([distance[:, reference_labels == one].min(1) for one in classes], 1), classes


def own_thresholds(distance: np.ndarray, labels: np.ndarray, reference_labels: np.ndarray) -> np.ndarray:
    """A decision threshold int32 [K] for each reference, fitted to images of its class and of others.

    distance int [B, K] of training images to references, labels [B], reference_labels [K]. Raises
    TwinspikeError for a reference that has no image of its class, or none of another.
    """
    thresholds = []
    for k, label in enumerate(reference_labels.tolist()):
        same = labels == label
        if same.all() or not same.any():
            raise TwinspikeError(
                f"training.own_thresholds: reference {label} needs images of its class and of others"
            )
        thresholds.append(fitted_threshold(distance[same, k], distance[~same, k]))
    return np.array(thresholds, np.int32)


def equal_error(distance: np.ndarray, same: np.ndarray) -> tuple[float, int]:
    """Equal error rate of "same if and only if distance <= threshold", and that threshold.

    distance int [P] >= 0, same bool [P]. The threshold is the integer at which false acceptance
    and false rejection differ least (the lowest of equals); the rate is their mean there.
    """
    own, other = np.sort(distance[same]), np.sort(distance[~same])
    if not len(own) or not len(other):
        raise TwinspikeError("verification needs pairs of the same class and of different classes: give both")
    thresholds = np.unique(np.append(distance, 0))
    reject = 1 - np.searchsorted(own, thresholds, side="right") / len(own)
    accept = np.searchsorted(other, thresholds, side="right") / len(other)
    best = int(np.argmin(np.abs(accept - reject)))
    return float((accept[best] + reject[best]) / 2), int(thresholds[best])


def verify_pairs(counts: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Same class or different, 20,000 pairs, half of each: {roc_auc, eer, threshold, pairs}.

    counts uint8 [T, B, n_out], labels [B]. Classes of a single image take no part; where fewer than two are
    left, there are no figures and 0 pairs.
    """
    classes, size = np.unique(labels, return_counts=True)
    paired = np.isin(labels, classes[size > 1])
    if (size > 1).sum() < 2:
        return {"pairs": 0}
    counts, labels = counts[:, paired], labels[paired]
    first, second, same = draw_pairs(labels, PAIRS, rng)
    chunks = (slice(start, start + 1000) for start in range(0, PAIRS, 1000))
    distance = np.concatenate([emd.emd(counts[:, first[c]], counts[:, second[c]]) for c in chunks])
    eer, threshold = equal_error(distance, same)
    roc_auc = float(roc_auc_score(same, -distance))
    return {"roc_auc": roc_auc, "eer": eer, "threshold": threshold, "pairs": PAIRS}


def _verify_references(
    network: Network, distance: np.ndarray, labels: np.ndarray, candidates: np.ndarray
) -> dict[str, Any]:
    limits = network.thresholds if len(network.references.labels) else network.verify_threshold
    # A class is accepted where one of its references is.
    rejected, _ = nearest_of_classes(distance > limits, candidates)
    accepted = ~rejected
    distance, candidates = nearest_of_classes(distance, candidates)
    same = labels[:, None] == candidates[None, :]
    eer, threshold = equal_error(distance.ravel(), same.ravel())
    return {
        "roc_auc": float(roc_auc_score(same.ravel(), -distance.ravel())),
        "eer": eer,
        "threshold": threshold,
        "false_accept": float(accepted[~same].mean()),
        "false_reject": float((~accepted[same]).mean()),
    }


def draw_pairs(
    labels: np.ndarray, pairs: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random pairs (first, second: indices [pairs]; same: bool), half of one class, never an image twice."""
    order = np.argsort(labels, kind="stable")
    _, start, size = np.unique(labels[order], return_index=True, return_counts=True)
    if len(size) < 2 or size.min() < 2:
        raise TwinspikeError("verification needs two classes or more with at least two test images each")
    place = rng.integers(len(labels), size=pairs)  # places in class order
    group = np.searchsorted(start, place, side="right") - 1
    start, size = start[group], size[group]
    same = np.arange(pairs) < pairs // 2
    own = start + (place - start + rng.integers(1, size)) % size
    other = (start + size + rng.integers(len(labels) - size)) % len(labels)
    return order[place], order[np.where(same, own, other)], same
