"""What `twinspike device` does with an open board."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from twinspike.boards.stream import check_speed, recording_frames, replay, replay_by_timer, summary
from twinspike.boards.trial import Trial, decisions, make_trial, scores
from twinspike.config import Config
from twinspike.flow.folders import Folders, find_network
from twinspike.flow.plans import board_plan, test_images
from twinspike.flow.predict import answer_text
from twinspike.host import Device
from twinspike.host.bench import SPI_BITS, UART_BITS, Speed, measure
from twinspike.host.check import Checked, check_device
from twinspike.host.spi import SCHEME
from twinspike.hw.board.boards import board
from twinspike.hw.settings import BOARD_NAMES
from twinspike.hw.weights.image import weight_image
from twinspike.model.data.one_file import read_sample
from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.numerics.progress import Bar
from twinspike.quant.network import Network


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked of a device, and where it is: the options of `twinspike device`."""

    port: str
    baud: int = 3_000_000
    timeout: float = 1.0
    board: str = BOARD_NAMES[0]
    frames: int = 100
    image: int = 0
    slot: int = 0
    label: int = 0
    pixels: bool = False
    file: Path | None = None
    speed: float = 1.0
    check: bool = False
    timer: bool = False


@contextmanager
def _opened(config: Config, place: Folders, options: Request) -> Iterator[tuple[Device, Network]]:
    network = find_network(place, config)
    opened = Device.open(options.port, baud=options.baud, network=network, timeout=options.timeout)
    with opened as device:
        yield device, network


def _images(config: Config, network: Network, options: Request, count: int):
    """`count` test images and labels from the one that was asked for on; the file, where one is given."""
    if options.file:
        sample = read_sample(options.file, config.data, network.encoder, network.timesteps, network.shape)
        return sample[None], [None]
    if options.image < 0:
        raise out_of_range("--image", options.image, "an integer >= 0")
    images, labels = test_images(config, network, options.image + count, all_classes=True)
    if len(images) <= options.image:
        raise out_of_range("--image", options.image, f"0..{len(images) - 1}, the test images there are")
    return images[options.image :], labels[options.image :]


def _title(options: Request, at: int, label: int | None) -> str:
    """What the `at`-th sample of :func:`_images` is called."""
    return str(options.file) if options.file else f"image {options.image + at} (a {label})"


def info(config: Config, place: Folders, options: Request) -> bool:
    """Print what the core is; the network's file need not be at hand."""
    with Device.open(options.port, baud=options.baud, timeout=options.timeout) as device:
        stats = device.stats()
        facts = dataclasses.asdict(device.info) | {
            "frames": stats.frames,
            "cycles of the last": stats.cycles,
            "threshold": device.threshold,
            "weights": "loaded" if stats.weights_loaded else "missing",
            "error flags": ", ".join(stats.errors) or "none",
        }
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):20}{value}")
    return True


def classify(config: Config, place: Folders, options: Request) -> bool:
    """Print labels, and the share that is right; of a file what it is."""
    if options.file:
        with _opened(config, place, options) as (device, network):
            sample, _ = _images(config, network, options, 1)
            (found,) = device.classify(sample, pixels=options.pixels)
        text = answer_text(network, found.label, found.distance, found.runner_up, found.same)
        print(f"{options.file}: {text}, {found.cycles} clocks")
        return True
    with _opened(config, place, options) as (device, network):
        images, labels = _images(config, network, options, options.frames)
        start, right = time.monotonic(), 0
        answers = device.classify(images, pixels=options.pixels)
        bar = Bar(zip(answers, labels, strict=True), total=len(labels), unit="image")
        for at, (answer, label) in enumerate(bar, options.image):
            right += answer.label == label
            Bar.write(
                f"image {at}: label {answer.label} (truth {label}), distance {answer.distance}, "
                f"runner-up {answer.runner_up}, {answer.cycles} clocks"
            )
        seconds = time.monotonic() - start
    print(f"{right} of {len(labels)} right, {len(labels) / seconds:.0f} images per second")
    return True


def enrol(config: Config, place: Folders, options: Request) -> bool:
    """Enrol a test image."""
    with _opened(config, place, options) as (device, network):
        images, labels = _images(config, network, options, 1)
        answer = device.enrol(options.slot, options.label, images[0], pixels=options.pixels)
    print(
        f"slot {options.slot} holds {_title(options, 0, labels[0])} under label {options.label}; until "
        f"now it was nearest to label {answer.label}, at distance {answer.distance}"
    )
    return True


def verify(config: Config, place: Folders, options: Request) -> bool:
    """Print whether test images are the same as a slot's reference."""
    with _opened(config, place, options) as (device, network):
        images, labels = _images(config, network, options, options.frames)
        found = device.verify(options.slot, images, pixels=options.pixels)
        for at, (answer, label) in enumerate(zip(found, labels, strict=True), options.image):
            title = _title(options, at - options.image, label)
            print(f"{title}: {'same' if answer.same else 'different'}, {answer.distance}")
    return True


def compare(device: Device, network: Network, trial: Trial) -> Checked:
    """Hold the device against the golden model and say what came out."""
    start = time.monotonic()
    with Bar(unit="frame") as bar:

        def told(what: str, frames: int) -> None:
            bar.set_description(what)
            bar.update(frames)

        checked = check_device(device, network, trial.images, trial.classes, told)
    traffic = device.traffic
    print(
        f"{checked.compared} answers compared with the golden model, {checked.different} differ"
        f"{f' ({checked.first})' if checked.different else ''}; {traffic.requests} requests, "
        f"{traffic.repeated} sent again, {time.monotonic() - start:.1f} s"
    )
    for row in scores(trial, checked):
        each = ", ".join(f"{label}: {f1:.3f}" for label, f1 in row["f1"].items())
        print(
            f"new classes, {row['examples']} image(s) of each enrolled: F1 {each}; of all classes macro-F1 "
            f"{row['macro_f1']:.3f}, accuracy {row['accuracy']:.3f}, over {row['images']} images"
        )
    if trial.unseen:
        right, of = decisions(trial, checked)
        print(f"same or different, by one image each: {right} of {of} decisions right")
    return checked


def check(config: Config, place: Folders, options: Request) -> bool:
    """Compare all that the device does with the golden model."""
    with _opened(config, place, options) as (device, network):
        trial = make_trial(config, network, options.frames, options.image)
        return not compare(device, network, trial).different


def measured(
    device: Device, images: np.ndarray, bytes_a_second: float, clock: Callable[[], float] = time.monotonic
) -> list[Speed]:
    """Measure the throughput and print a table; for the arguments see :func:`measure`."""
    with Bar(unit="image", desc="speed") as bar:
        speeds = measure(device, images, bytes_a_second, bar.update, clock=clock)
    table = Table(
        "encoding",
        "images/s",
        "line",
        "core",
        "core, answer",
        "bound by",
        "bytes out / in",
        "clocks",
        title="images per second, and what line and core allow",
    )
    for speed in speeds:
        rates = (speed.per_second, speed.line_per_second, speed.core_per_second, speed.device_per_second)
        table.add_row(
            speed.encoding,
            *(f"{rate:,.0f}" if rate else "–" for rate in rates),
            speed.bound,
            f"{speed.bytes_out:.0f} / {speed.bytes_in:.0f}",
            f"{speed.cycles:,.0f}",
        )
    Console().print(table)
    return speeds


def bench(config: Config, place: Folders, options: Request) -> bool:
    """Measure the throughput by the host's clock."""
    with _opened(config, place, options) as (device, network):
        images, _ = _images(config, network, options, options.frames)
        bits = SPI_BITS if options.port.startswith(SCHEME) else UART_BITS
        measured(device, images, options.baud / bits)
    return True


def stream(config: Config, place: Folders, options: Request) -> bool:
    """Replay a recording and print an answer a frame; returns whether all are as they should be."""
    if options.file is None:
        raise TwinspikeError("stream: name a recording: twinspike device stream --port P recording.bs2")
    check_speed(options.speed)
    if options.timer:
        if options.check:
            raise TwinspikeError("--check: with --timer the device's clock chooses the steps: leave one out")
        with _opened(config, place, options) as (device, network):
            print(replay_by_timer(device, network, options.file, speed=options.speed, tell=tell_now))
        return True
    network = find_network(place, config)
    # Before the device is opened: a file that cannot be read is none of its business.
    frames = recording_frames(network, options.file)
    with _opened(config, place, options) as (device, network):
        done = replay(device, network, frames, speed=options.speed, check=options.check, tell=tell_now)
    print(summary(done, network, options.speed, options.check))
    return not done.different


def tell_now(line: str) -> None:
    """A line at once, for whoever reads it through a pipe."""
    print(line, flush=True)


def load(config: Config, place: Folders, options: Request) -> bool:
    """Send the weights of the configuration's network."""
    with _opened(config, place, options) as (device, network):
        # How weights lie in memory depends on the lanes of the board's core.
        words = weight_image(board_plan(config, network, board(options.board)))
        with Bar(total=len(words), unit="word") as bar:
            device.load_weights(words, lambda sent: bar.update(sent - bar.n))
    print(f"{len(words)} words loaded")
    return True


ACTIONS = {f.__name__: f for f in (info, classify, stream, enrol, verify, check, bench, load)}
