"""What the golden model says of files: no device, and no dataset, are needed."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from twinspike.model.data.one_file import file_kind, read_sample
from twinspike.model.data.readers.packets import read_flows
from twinspike.model.data.settings import DataSettings
from twinspike.numerics.emd import NO_RUNNER_UP
from twinspike.numerics.encodings import Packets
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import read_limited
from twinspike.quant.class_names import label_name, label_text
from twinspike.quant.network import Network
from twinspike.sim.golden import run

MAX_CAPTURE_BYTES = 1 << 31


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer to one sample: the nearest reference, its class's `name` (the label where it has none).

    `title` says which sample, `known` whether the distance is within the threshold.
    """

    title: str
    label: int
    distance: int
    runner_up: int
    known: bool
    name: str


def predictions(
    how: DataSettings, network: Network, files: Sequence[Path], *, flows: bool = False
) -> Iterator[Prediction]:
    """An answer for each file, or with `flows` for each flow of each capture, as they are read.

    `how` says how images become as large as the network's.
    """
    for path in files:
        for title, sample in _samples(how, network, path, flows):
            found = run(network, network.encode(sample[None])).results
            yield Prediction(
                title,
                int(found.label[0]),
                int(found.distance[0]),
                int(found.runner_up[0]),
                bool(found.same[0]),
                label_name(network, int(found.label[0])),
            )


def answer_text(network: Network, label: int, distance: int, runner_up: int, known: bool) -> str:
    """An answer in words: `cat (label 3), distance 12, runner-up 40`."""
    what = label_text(network, label)
    second = f", runner-up {runner_up}" if runner_up != NO_RUNNER_UP else ""
    return f"{what if known else f'unknown, nearest is {what}'}, distance {distance}{second}"


def _samples(
    how: DataSettings, network: Network, path: Path, flows: bool
) -> Iterator[tuple[str, np.ndarray]]:
    encoding = network.encoder
    if not flows:
        yield str(path), read_sample(path, how, encoding, network.timesteps, network.shape)
        return
    if file_kind(path) != "packets" or not isinstance(encoding, Packets):
        raise TwinspikeError(f"{path}: --flows is for captures and a network that takes packets")
    for key, flow in read_flows(path, read_limited(path, MAX_CAPTURE_BYTES, "a capture")).items():
        yield key.text, encoding.frame(flow, network.timesteps)
