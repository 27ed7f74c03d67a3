"""What is asked of a device, and the images that it is asked about."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from twinspike.config import Config
from twinspike.flow.folders import Folders, find_network
from twinspike.flow.plans import test_images
from twinspike.host import Device
from twinspike.host.copies import distorted
from twinspike.hw.settings import BOARD_NAMES
from twinspike.model.data.one_file import read_sample
from twinspike.numerics.encodings import Timed
from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.quant.class_names import label_name
from twinspike.quant.network import Network


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked of a device, and where it is: the options of `twinspike device`.

    `images`: numbers of test images, the first one for actions that take `frames` of them; `files` take their
    place, and as many distorted `copies` of each one are examples as well. `slot` None: a free one.
    """

    port: str
    baud: int = 3_000_000
    timeout: float = 1.0
    board: str = BOARD_NAMES[0]
    frames: int = 100
    images: tuple[int, ...] = (0,)
    slot: int | None = None
    label: int = 0
    pixels: bool = False
    files: tuple[Path, ...] = ()
    speed: float = 1.0
    check: bool = False
    timer: bool = False
    replace: bool = False
    copies: int = 0

    @property
    def file(self) -> Path | None:
        """The one file, where there is one; raises TwinspikeError if there are several."""
        if len(self.files) > 1:
            raise TwinspikeError("one file at a time, but for enrol: leave the others out")
        return self.files[0] if self.files else None

    @property
    def image(self) -> int:
        """The first test image; raises TwinspikeError if there are several."""
        if len(self.images) > 1:
            raise TwinspikeError("one --image at a time, but for enrol: --frames takes those that follow it")
        return self.images[0]


@contextmanager
def opened(config: Config, place: Folders, request: Request) -> Iterator[tuple[Device, Network]]:
    """The device with the configuration's network, while the context lasts."""
    network = find_network(place, config)
    found = Device.open(request.port, baud=request.baud, network=network, timeout=request.timeout)
    with found as device:
        yield device, network


def asked_about(
    config: Config, network: Network, request: Request, count: int
) -> tuple[np.ndarray, np.ndarray | list[None]]:
    """`count` test images and labels from the one that was asked for on; the file, where one is given."""
    if request.file:
        return _read(config, network, request.files), [None]
    images, labels = _numbered(config, network, range(request.image, request.image + count))
    return images, labels


def examples(config: Config, network: Network, request: Request) -> tuple[np.ndarray, list[str]]:
    """The images that a class is enrolled by, files or test images one by one, and what each is called."""
    if request.files:
        images, titles = _read(config, network, request.files), [str(file) for file in request.files]
    else:
        images, labels = _numbered(config, network, request.images, every=True)
        pairs = zip(request.images, labels, strict=True)
        titles = [f"image {number} (a {label_name(network, label)})" for number, label in pairs]
    if request.copies:
        if isinstance(network.encoder, Timed):
            raise TwinspikeError(
                f"--copies distorts images, and {network.name} takes recordings (encoder "
                f"{network.encoder.kind}): leave it out"
            )
        images = np.concatenate([images, *(distorted(image, request.copies) for image in images)])
        titles.append(f"{request.copies} distorted copies{' of each' * (len(titles) > 1)}")
    return images, titles


def _read(config: Config, network: Network, files: Sequence[Path]) -> np.ndarray:
    encoder, timesteps, shape = network.encoder, network.timesteps, network.shape
    return np.stack([read_sample(file, config.data, encoder, timesteps, shape) for file in files])


def _numbered(
    config: Config, network: Network, numbers: Sequence[int], *, every: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The test images of these numbers that there are, at least the first; with `every` all of them."""
    if min(numbers) < 0:
        raise out_of_range("--image", min(numbers), "an integer >= 0")
    images, labels = test_images(config, network, max(numbers) + 1, all_classes=True)
    for number in numbers if every else numbers[:1]:
        if number >= len(images):
            raise out_of_range("--image", number, f"0..{len(images) - 1}, the test images there are")
    there = [number for number in numbers if number < len(images)]
    return images[there], labels[there]
