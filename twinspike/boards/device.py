"""What `twinspike device` does with an open board."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from twinspike.boards.request import Request, asked_about, opened
from twinspike.boards.stream import check_speed, recording_frames, replay, replay_by_timer, summary
from twinspike.boards.trial import Trial, decisions, make_trial, scores
from twinspike.config import Config
from twinspike.flow.folders import Folders, find_network
from twinspike.flow.plans import board_plan
from twinspike.flow.predict import answer_text
from twinspike.host import Device
from twinspike.host.bench import SPI_BITS, UART_BITS, Speed, measure
from twinspike.host.check import Checked, check_device
from twinspike.host.spi import SCHEME
from twinspike.hw.board.boards import board
from twinspike.hw.weights.image import weight_image
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.progress import Bar
from twinspike.quant.class_names import label_name, label_text
from twinspike.quant.network import Network


def _title(network: Network, request: Request, at: int, label: int) -> str:
    """What the `at`-th sample of :func:`asked_about` is called."""
    if request.file:
        return str(request.file)
    return f"image {request.image + at} (a {label_name(network, label)})"


def info(config: Config, place: Folders, request: Request) -> bool:
    """Print what the core is; the network's file need not be at hand."""
    with Device.open(request.port, baud=request.baud, timeout=request.timeout) as device:
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


def classify(config: Config, place: Folders, request: Request) -> bool:
    """Print labels, and the share that is right; of a file what it is."""
    if request.file:
        with opened(config, place, request) as (device, network):
            sample, _ = asked_about(config, network, request, 1)
            (found,) = device.classify(sample, pixels=request.pixels)
        text = answer_text(network, found.label, found.distance, found.runner_up, found.same)
        print(f"{request.file}: {text}, {found.cycles} clocks")
        return True
    with opened(config, place, request) as (device, network):
        images, labels = asked_about(config, network, request, request.frames)
        start, right = time.monotonic(), 0
        answers = device.classify(images, pixels=request.pixels)
        bar = Bar(zip(answers, labels, strict=True), total=len(labels), unit="image")
        for at, (answer, label) in enumerate(bar, request.image):
            right += answer.label == label
            Bar.write(
                f"image {at}: {label_text(network, answer.label)} (truth {label_name(network, label)}), "
                f"distance {answer.distance}, "
                f"runner-up {answer.runner_up}, {answer.cycles} clocks"
            )
        seconds = time.monotonic() - start
    print(f"{right} of {len(labels)} right, {len(labels) / seconds:.0f} images per second")
    return True


def verify(config: Config, place: Folders, request: Request) -> bool:
    """Print whether test images are the same as a slot's reference."""
    with opened(config, place, request) as (device, network):
        images, labels = asked_about(config, network, request, request.frames)
        found = device.verify(request.slot or 0, images, pixels=request.pixels)
        for at, (answer, label) in enumerate(zip(found, labels, strict=True), request.image):
            title = _title(network, request, at - request.image, label)
            print(f"{title}: {'same' if answer.same else 'different'}, {answer.distance}")
    return True


def compare(device: Device, network: Network, trial: Trial) -> Checked:
    """Hold the device against the golden model and say what came out."""
    start = time.monotonic()
    with Bar(unit="frame") as bar:

        def told(what: str, frames: int) -> None:
            bar.set_description_str(what)
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


def check(config: Config, place: Folders, request: Request) -> bool:
    """Compare all that the device does with the golden model."""
    with opened(config, place, request) as (device, network):
        trial = make_trial(config, network, request.frames, request.image)
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


def bench(config: Config, place: Folders, request: Request) -> bool:
    """Measure the throughput by the host's clock."""
    with opened(config, place, request) as (device, network):
        images, _ = asked_about(config, network, request, request.frames)
        bits = SPI_BITS if request.port.startswith(SCHEME) else UART_BITS
        measured(device, images, request.baud / bits)
    return True


def stream(config: Config, place: Folders, request: Request) -> bool:
    """Replay a recording and print an answer a frame; returns whether all are as they should be."""
    if request.file is None:
        raise TwinspikeError("stream: name a recording: twinspike device stream --port P recording.bs2")
    check_speed(request.speed)
    if request.timer:
        if request.check:
            raise TwinspikeError("--check: with --timer the device's clock chooses the steps: leave one out")
        with opened(config, place, request) as (device, network):
            print(replay_by_timer(device, network, request.file, speed=request.speed, tell=tell_now))
        return True
    network = find_network(place, config)
    # Before the device is opened: a file that cannot be read is none of its business.
    frames = recording_frames(network, request.file)
    with opened(config, place, request) as (device, network):
        done = replay(device, network, frames, speed=request.speed, check=request.check, tell=tell_now)
    print(summary(done, network, request.speed, request.check))
    return not done.different


def tell_now(line: str) -> None:
    """A line at once, for whoever reads it through a pipe."""
    print(line, flush=True)


def load(config: Config, place: Folders, request: Request) -> bool:
    """Send the weights of the configuration's network."""
    with opened(config, place, request) as (device, network):
        # How weights lie in memory depends on the lanes of the board's core.
        words = weight_image(board_plan(config, network, board(request.board)))
        with Bar(total=len(words), unit="word") as bar:
            device.load_weights(words, lambda sent: bar.update(sent - bar.n))
    print(f"{len(words)} words loaded")
    return True
