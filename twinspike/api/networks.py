"""A trained network: its answers on arrays and files, and the way to its core."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twinspike.config import Config
from twinspike.flow.folders import GENERIC, Folders, copied
from twinspike.flow.identity import claim
from twinspike.hw.settings import HardwareSettings
from twinspike.numerics import emd
from twinspike.numerics.decision import enrolled_threshold
from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.quant.class_names import class_names
from twinspike.quant.network import Network, References
from twinspike.sim import golden

if TYPE_CHECKING:
    from twinspike.flow.predict import Prediction

    from .cores import Core


@dataclasses.dataclass(frozen=True, eq=False)
class Net:
    """A trained integer network, with the configuration that it was trained by where that is known.

    `source` is its file, `place` the build folder that holds what is made of it. The folder of a network that
    ships, or was given as a file, appears with the first step that writes.
    """

    network: Network
    config: Config | None
    source: Path
    place: Folders

    @property
    def name(self) -> str:
        """Of its configuration, else the one that stands in its file."""
        return self.config.name if self.config else self.network.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: [H, W], [H, W, C], [n], or [T, *map] for recordings that have become spikes."""
        return self.network.shape

    @property
    def content_hash(self) -> str:
        """SHA-256 of its file, which its core can be asked for."""
        return self.network.content_hash

    @property
    def class_names(self) -> tuple[str, ...]:
        """What its labels are called, label 0 first; empty where its data has no names."""
        return class_names(self.network)

    @property
    def hardware(self) -> HardwareSettings:
        """How its core is built, unless a goal decides."""
        return self.config.hardware if self.config else HardwareSettings()

    @property
    def metrics(self) -> dict[str, Any] | None:
        """What training measured on the test images (metrics.json beside its file), or None."""
        path = self.source.parent / "metrics.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def classify(self, images: np.ndarray) -> golden.Results:
        """The core's answers to uint8 images [N, *shape], or to one image [*shape].

        `label` of the nearest reference, its `distance`, the `runner_up`'s distance, int64 [N] each; `same`,
        bool [N], is False where the distance exceeds the network's threshold: the image is of an unknown
        class. Raises TwinspikeError for images of another shape or type.
        """
        return self._run(images).results

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Cumulative output spike counts int32 [N, T, outputs]; as `classify` otherwise.

        The sum of the absolute differences of two of them is their Earth Mover's Distance.
        """
        return np.ascontiguousarray(self._run(images).output_counts.transpose(1, 0, 2))

    def spikes(self, images: np.ndarray) -> list[np.ndarray]:
        """Spike trains of each layer, bool [N, T, neurons] (int32 of a sum pool); as `classify` otherwise."""
        return [train.transpose(1, 0, 2) for train in self._run(images).spikes]

    def predict(self, *files: str | Path, flows: bool = False) -> Iterator[Prediction]:
        """An answer for each file (an image, a sound, a recording of events, a capture), as they are read.

        With `flows` for each flow of each capture. Raises TwinspikeError for a file that cannot be read.
        """
        from twinspike.flow.predict import predictions
        from twinspike.model.data.settings import DataSettings

        how = self.config.data if self.config else DataSettings()
        return predictions(how, self.network, [Path(file) for file in files], flows=flows)

    def enrolled(self, images: np.ndarray, label: int) -> Net:
        """This network with one more reference, the median of these images' embeddings, under `label`.

        Nothing is trained. The first reference of a new class teaches the class; one more of a class that is
        known is another example. It gets a decision threshold of its own, as on a board. Raises
        TwinspikeError for a readout without references and for a label beyond 0..65535.
        """
        network = self.network
        if network.readout != "emd":
            raise TwinspikeError(f"{self.name}: its readout is {network.readout!r}, which has no references")
        if not 0 <= label <= 0xFFFF:
            raise out_of_range("label", label, "an integer in 0..65535")
        examples, known, usual = self._run(images).output_counts, network.references, network.verify_threshold
        median = emd.median_reference(examples)
        others = known.counts[known.labels != label].transpose(1, 0, 2)
        threshold = enrolled_threshold(
            emd.distances(examples, median[None])[:, 0], emd.distances(others, median[None])[:, 0], usual
        )
        before = known.threshold if known.threshold is not None else np.full(len(known.labels), usual)
        references = References(
            np.concatenate([known.counts, median[None]]),
            np.append(known.labels, label).astype(np.int32),
            np.append(before, threshold).astype(np.int32),
        )
        taught = dataclasses.replace(network, references=references)
        place = Folders(self.place.build.parent / f"{self.name}-{taught.content_hash[:8]}")
        return Net(taught, self.config, place.network, place)

    def test_images(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The first test images of its dataset, uint8 [N, *shape], and their labels.

        Raises TwinspikeError if it has no configuration, or if the data is missing or has changed.
        """
        from twinspike.flow.plans import test_images

        if self.config is None:
            raise TwinspikeError(
                f"{self.source}: no configuration is known for this network, so it has no test images: "
                "give images, or load its build folder or .toml file"
            )
        return test_images(self.config, self.network, count)

    def core(self, target: str = GENERIC, goal: str | None = None, images: np.ndarray | None = None) -> Core:
        """Its core, planned for a device ("up5k", "ecp5-25k", ...) or portable ("generic").

        With a `goal`, "latency" or "area", the planner chooses lanes and banks by what `images` cost, which
        are its first test images unless given. Raises TwinspikeError for what cannot be built.
        """
        from .cores import plan_core

        return plan_core(self, target, goal, images)

    def save(self, path: str | Path) -> Path:
        """Write the network file to `path` (a name that ends in .safetensors) and return it."""
        self.network.save(Path(path))
        return Path(path)

    def kept(self) -> Folders:
        """Its build folder, with the network in it; raises TwinspikeError if that is another network's."""
        if not self.place.network.is_file():
            if self.source == self.place.network:
                self.network.save(self.source)
            else:
                copied(self.source, self.place.build)
            if self.config:
                claim(self.config, self.place.build)
        return self.place

    def encoded(self, images: np.ndarray) -> np.ndarray:
        """Input spikes [T, N, inputs] of images as `classify` takes them."""
        return self.network.encode(checked(images, self.shape))

    def __repr__(self) -> str:
        sizes = "-".join(str(n) for n in (self.network.inputs, *(x.neurons for x in self.network.layers)))
        return f"Net({self.name}: {sizes}, T = {self.network.timesteps}, {self.content_hash[:12]})"

    def _run(self, images: np.ndarray) -> golden.Trace:
        return golden.run(self.network, self.encoded(images))


def checked(images: Any, shape: Sequence[int]) -> np.ndarray:
    """`images` as uint8 [N, *shape], one image being N = 1; raises TwinspikeError."""
    shape = tuple(shape)
    wanted = f"uint8 [N, {', '.join(map(str, shape))}], pixels 0..255"
    try:
        found = np.asarray(images)
    except ValueError:  # such as images of several sizes, or images and labels in one tuple
        raise out_of_range("images", _Shown(type(images).__name__), f"one array, {wanted}") from None
    if found.shape == shape:
        found = found[None]
    if found.dtype == bool:
        found = found.astype(np.uint8)
    if found.dtype != np.uint8 or found.shape[1:] != shape:
        raise out_of_range("images", _Shown(f"{found.dtype} {list(found.shape)}"), wanted)
    return found


class _Shown(str):
    """Text that an error shows without quotes."""

    def __repr__(self) -> str:
        return str(self)


def as_changes(changes: Mapping[str, Any] | Sequence[str]) -> tuple[str, ...]:
    """Settings as the command line's --set takes them: {"training.epochs": 5} is training.epochs=5."""
    if isinstance(changes, Mapping):
        return tuple(f"{key}={json.dumps(value)}" for key, value in changes.items())
    return tuple(changes)
