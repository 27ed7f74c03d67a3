"""What docs/howto/convolutions.md is filled with: convolutional networks beside dense ones."""

from statistics import mean
from typing import Any

from twinspike.config import load_config
from twinspike.flow.folders import pretrained
from twinspike.quant.network_file import load_network
from twinspike.study.methods.training import weights_of

from .tables import Figures, table

# A network on maps, and the dense one that does the same on a like device.
PAIRS = (
    ("mnist-conv", "mnist-quick"),
    ("mnist-conv-max", "mnist-max-wide"),
    ("mnist-conv-wide", "mnist-wide-quick"),
    ("fashion-conv", "fashion"),
)


HEAD = (
    "configuration",
    "network",
    "macro-F1, mean over seeds",
    "weights",
    "hidden spikes per image",
    "device",
    "latency, µs",
    "from image to image, µs",
    "logic cells",
    "block RAMs",
)
# Of the columns those of a short table, which leaves out the dense networks too.
SHORT = (0, 2, 5, 6, 7, 8)


def maps(figures: Figures, where: str, length: str = "long") -> str:
    """Accuracy, weights, spikes, time and size of each convolutional network and the dense one beside it."""
    recipes = {row["config"]: row for row in figures.studies.get("recipes", {"rows": []})["rows"]}
    builds: dict[str, dict[str, Any]] = {}
    for row in figures.studies.get("hardware", {"rows": []})["rows"]:
        known = builds.get(row["config"])
        if known is None or row["latency_us"] < known["latency_us"]:
            builds[row["config"]] = row
    columns = SHORT if length == "short" else range(len(HEAD))
    pairs = [pair[:1] if length == "short" else pair for pair in PAIRS]
    names = [name for pair in pairs for name in pair if name in builds]
    rows = [_cells(name, builds[name], recipes.get(name)) for name in names]
    return table([HEAD[c] for c in columns], [[row[c] for c in columns] for row in rows])


def _cells(name: str, build: dict[str, Any], recipe: dict[str, Any] | None) -> list[str]:
    folder = pretrained(load_config(name))
    assert folder is not None  # a build without a network has no row
    network = load_network(folder / "network.safetensors")
    f1 = f"{build['f1']:.4f}, one seed"
    spikes = "–"
    if recipe is not None:
        f1 = f"{mean(recipe['macro_f1']):.4f} of {len(recipe['seeds'])}"
        hidden = sum(layer.neurons for layer in network.layers[:-1])
        spikes = f"{mean(recipe['hidden_activity']) * hidden:,.0f}"
    return [
        f"`{name}`",
        "-".join(map(str, build["network"])),
        f1,
        f"{weights_of(network)['weights']:,}",
        spikes,
        build["device"],
        f"{build['latency_us']:.2f}",
        f"{build['interval_us']:.2f}",
        f"{build['logic_cells']:,}",
        str(build["ram_blocks"]),
    ]


FILLS = (maps,)
