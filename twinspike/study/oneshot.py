"""New classes from a few examples: what a siamese network is for, measured on data that it never saw.

Omniglot's evaluation alphabets (Lake et al., 2015), and MNIST, by a network that was trained on Omniglot's
background alphabets alone; MNIST's digits 7 to 9 enrolled beside 0 to 6, and answered with "unknown" while
they are not; the same with event recordings and spoken words. Everything is computed by the golden model, so
these are the answers of a core; the same draws are put to raw samples for comparison.
"""

from pathlib import Path
from typing import Any

from twinspike.config import load_config
from twinspike.executor import Executor, Store, Task, Workplace, content_key
from twinspike.flow.folders import find_network, opened, pretrained
from twinspike.flow.identity import claim
from twinspike.model.data.load import complete_dataset
from twinspike.model.data.shipped import load_dataset
from twinspike.numerics.files import write_json
from twinspike.numerics.sources import source_hash
from twinspike.quant.network import Network
from twinspike.study.new_classes import characters, new_classes
from twinspike.study.runs import data_checksums, rows_of
from twinspike.study.spaces import Pixels, Spikes

# Trained on the background alphabets alone: asked about characters, and about digits that it never saw.
CHARACTERS = ("omniglot-conv", "omniglot-small")
# Trained on the digits 0 to 6, the first one beside those characters.
DIGITS = ("mnist-enrol", "mnist-0-6")
# Trained on the first seven classes of their data.
RECORDINGS = ("nmnist-0-6", "keywords-0-6")
RAW = "pixels"
# Data that is asked about, beside recordings, which go by the name of their configuration.
OMNIGLOT, MNIST = "omniglot", "mnist"
# What figures depend on, beside networks and data.
_CODE = ("numerics", "quant", "sim.golden", "host.copies", "model.data", "model.outcome.evaluation", "study")


def oneshot(
    out: str, store: Store, results: Path, *, executor: Executor, shipped: bool = False, progress: bool = True
) -> Path:
    """Measure all networks and write the file `results`.

    A network that neither ships nor has been trained is trained first; with `shipped` it is left out. What is
    measured of a network is kept in `store`, by content. Raises TwinspikeError for missing data, and if
    interrupted: the next call goes on.
    """
    wanted = [x for x in (*CHARACTERS, *DIGITS, *RECORDINGS) if not shipped or _there(x, out)]
    networks = {name: _network(name, out) for name in wanted}
    images = [name for name in (*CHARACTERS, *DIGITS) if name in networks]
    recordings = [name for name in RECORDINGS if name in networks]
    asked = {
        OMNIGLOT: [name for name in (*CHARACTERS, RAW) if name in networks or name == RAW],
        MNIST: [*images, RAW],
        **{name: [name, RAW] for name in recordings},
    }
    code = source_hash(*_CODE, bare=True)[:16]
    tasks = {
        (data, name): _task(data, name, networks.get(name), code)
        for data, names in asked.items()
        for name in names
    }
    found = rows_of(list(tasks.values()), store, executor, "oneshot", progress)
    figures = {data: {name: found[tasks[data, name].key] for name in names} for data, names in asked.items()}
    write_json(
        results,
        {
            "omniglot": figures[OMNIGLOT],
            "digits": figures[MNIST],
            "recordings": {name: figures[name] for name in recordings},
            "networks": {name: _about(network) for name, network in networks.items()},
        },
    )
    return results


def _task(data: str, name: str, network: Network | None, code: str) -> Task:
    sums = data_checksums(load_config(data)) if data in RECORDINGS else []
    key = content_key(data, network.content_hash if network else RAW, sums, code)
    return Task(key, _measure, (data, network), f"{name} on {data}")


def _measure(place: Workplace, data: str, network: Network | None) -> dict[str, Any]:
    space = Spikes(network) if network else Pixels()
    if data == OMNIGLOT:
        return characters(space)
    return new_classes(space, load_dataset(MNIST) if data == MNIST else complete_dataset(load_config(data)))


def _there(name: str, out: str) -> bool:
    config, place = opened(name, out)
    return place.network.is_file() or pretrained(config) is not None


def _network(name: str, out: str) -> Network:
    from twinspike.model.training.training import train

    config, place = opened(name, out)
    if not _there(name, out):
        claim(config, place.build)
        train(config, place.build, resume=True)
    return find_network(place, config)


def _about(network: Network) -> dict[str, Any]:
    layers = [
        f"{layer.kind} {layer.synapses.channels}" if layer.kind != "dense" else str(layer.neurons)
        for layer in network.layers
        if layer.synapses.fires
    ]
    return {
        "layers": layers,
        "weight_bits": max(layer.spec.weight_bits for layer in network.layers),
        "network_hash": network.content_hash,
        "seed": network.provenance["seed"],
        "timesteps": network.timesteps,
        "data_checksums": network.provenance["data_checksums"],
        "versions": network.provenance["versions"],
    }
