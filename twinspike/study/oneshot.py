"""New classes from a few examples: what a siamese network is for, measured on data that it never saw.

(a) Omniglot's standard one-shot task: 20 runs, in each 20 drawings to be named by one known drawing of
each of 20 characters (Lake et al., 2015); (b) same or different character, all evaluation alphabets;
(c) MNIST digits 7 to 9 enrolled by a network that was trained on 0 to 6. Everything is computed by the
golden model, so these are the answers of a core.
"""

from pathlib import Path
from typing import Any

import numpy as np

from twinspike.flow.folders import find_network, opened, pretrained
from twinspike.flow.identity import claim
from twinspike.model.data.dataset import Dataset
from twinspike.model.data.omniglot import OneShotRun, load_characters, load_one_shot_runs
from twinspike.model.data.shipped import load_dataset, omniglot_folder
from twinspike.model.evaluation import class_references, embed, verify_pairs
from twinspike.numerics import emd
from twinspike.numerics.files import write_json
from twinspike.quant.network import Network

OMNIGLOT, HELD_OUT = "omniglot", "mnist-0-6"
NEW_DIGITS = (7, 8, 9)
EXAMPLES = (1, 5, 20)
# Enrolments drawn for each number of examples.
DRAWS = 20
_SEED = 0


def oneshot(out: str, results: Path) -> Path:
    """Measure both networks, trained first if they do not ship, and write the file `results`.

    Raises TwinspikeError for missing data, and for a training that was interrupted: the next call goes on.
    """
    networks = {name: _network(name, out) for name in (OMNIGLOT, HELD_OUT)}
    digits = load_dataset("mnist")
    write_json(
        results,
        {
            "omniglot": omniglot_figures(networks[OMNIGLOT]),
            "enrolment": {
                "trained_on": [int(label) for label in networks[HELD_OUT].references.labels],
                "new": list(NEW_DIGITS),
                "rows": enrolment(networks[HELD_OUT], digits, NEW_DIGITS),
            },
            "networks": {
                name: {
                    "shape": [network.inputs, *(layer.neurons for layer in network.layers)],
                    "weight_bits": max(layer.spec.weight_bits for layer in network.layers),
                    "network_hash": network.content_hash,
                    "seed": network.provenance["seed"],
                    "timesteps": network.timesteps,
                    "data_checksums": network.provenance["data_checksums"],
                    "versions": network.provenance["versions"],
                }
                for name, network in networks.items()
            },
        },
    )
    return results


def _network(name: str, out: str) -> Network:
    from twinspike.model.training import train

    config, place = opened(name, out)
    if not place.network.is_file() and pretrained(config) is None:
        claim(config, place.build)
        train(config, place.build, resume=True)
    return find_network(place, config)


def one_shot(network: Network, runs: list[OneShotRun]) -> dict[str, Any]:
    """Share of right names, by EMD and, for comparison, by the L2 distance of the same images' pixels."""
    right, pixels = [], []
    for run in runs:
        known = embed(network, run.known, progress=False).counts
        asked = embed(network, run.asked, progress=False).counts
        index, _, _ = emd.nearest(emd.distances(asked, known.transpose(1, 0, 2)))
        right.append(float((index == run.answer).mean()))
        flat = [images.reshape(len(images), -1).astype(float) for images in (run.asked, run.known)]
        nearest = np.square(flat[0][:, None] - flat[1][None]).sum(axis=2).argmin(axis=1)
        pixels.append(float((nearest == run.answer).mean()))
    return {"accuracy": float(np.mean(right)), "runs": right, "raw_pixels": float(np.mean(pixels))}


def enrolment(network: Network, dataset: Dataset, new: tuple[int, ...]) -> list[dict[str, Any]]:
    """Accuracy on test images of the classes `new`, enrolled by a few training images of each.

    One row for each number of examples: among the new classes alone, and among all classes (the
    network's own references beside the new ones): mean and standard deviation over the draws.
    """
    rng = np.random.default_rng(_SEED)
    test = np.isin(dataset.test_labels, new)
    counts = embed(network, dataset.test_images[test], title="test images").counts
    labels = dataset.test_labels[test]
    own = emd.distances(counts, network.references.counts)
    rows = []
    for examples in EXAMPLES:
        found: dict[str, list[float]] = {"new": [], "all": []}
        for _ in range(DRAWS):
            chosen = np.concatenate(
                [
                    rng.choice(np.flatnonzero(dataset.train_labels == label), examples, replace=False)
                    for label in new
                ]
            )
            taught = embed(network, dataset.train_images[chosen], progress=False).counts
            references = class_references(taught, dataset.train_labels[chosen])
            distance = emd.distances(counts, references.counts)
            for name, table, names in (
                ("new", distance, references.labels),
                (
                    "all",
                    np.concatenate([own, distance], axis=1),
                    np.concatenate([network.references.labels, references.labels]),
                ),
            ):
                index, _, _ = emd.nearest(table)
                found[name].append(float((names[index] == labels).mean()))
        rows.append(
            {
                "examples": examples,
                "draws": DRAWS,
                **{
                    f"{name}_{what}": float(f(values))
                    for name, values in found.items()
                    for what, f in (("mean", np.mean), ("std", np.std))
                },
            }
        )
    return rows


def omniglot_figures(network: Network) -> dict[str, Any]:
    """(a) and (b) for a network that was trained on the background characters."""
    folder = omniglot_folder()
    characters = load_characters(folder, "evaluation")
    counts = embed(network, characters.images, title="evaluation characters").counts
    return {
        "one_shot": one_shot(network, load_one_shot_runs(folder)),
        "verification": verify_pairs(counts, characters.character, np.random.default_rng(_SEED)),
    }
