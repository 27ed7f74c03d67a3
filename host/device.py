"""A board with a core on it: classify, embed, enrol, verify."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..numerics import emd
from ..numerics.commands import COMMANDS, NO_LABEL
from ..numerics.decision import enrolled_threshold
from ..numerics.encodings import Graded
from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.link import spike_bytes, unpack_spikes
from ..quant.network import Network
from ..quant.network_file import load_network
from . import references, registers, weights
from .channel import Channel, Port, Traffic
from .errors import DeviceError, LinkError
from .frames import as_images, event_frames, pixel_frames
from .info import Answer, Info, Slot, Stats, answer_of, flags, identify
from .live import TimedRun, step_requests, stop_timer
from .ports import open_port

BAUD = 3_000_000


class Device:
    """A session with a board; use it as a context manager.

    Images are uint8 [B, *shape], or [*shape] for one; the host turns them into events by the network's own
    encoding, for which it needs `network`, or with `pixels` the chip does, where it has an encoder. Methods
    that take several images give answers as they come. Raises LinkError (the line), DeviceError
    (the board's answer) and TwinspikeError (the arguments).
    """

    def __init__(self, channel: Channel, close: Callable[[], None], network: Network | None = None):
        self._channel, self._close, self._network = channel, close, network
        self.info: Info = identify(channel)
        if self.info.timer and registers.read(channel, "STEP_TIMER")["STEP_TIMER.run"]:
            stop_timer(channel)  # an earlier session has left it running
        if network and network.content_hash[:16] != self.info.network_hash:
            raise DeviceError(
                f"the core was made from network {self.info.network_hash}, but {network.name} is "
                f"{network.content_hash[:16]}: give the file that the bitstream was built from"
            )

    @classmethod
    def open(
        cls,
        port: str,
        *,
        baud: int = BAUD,
        network: Network | str | Path | None = None,
        timeout: float = 1.0,
        retries: int = 5,
    ) -> "Device":
        """The device behind `port`, a serial port or ``spi:///dev/spidevB.C`` (then `baud` is the SPI clock).

        `network`: the network that its core was made from, or the path of its file. `timeout`: seconds
        without an answer until requests are sent again, `retries` times.
        """
        if isinstance(network, str | Path):
            network = load_network(Path(network))
        line = open_port(port, baud)
        return cls.over(line, port, network=network, timeout=timeout, retries=retries)

    @classmethod
    def over(
        cls, line: Port, name: str, *, network: Network | None = None, timeout: float = 1.0, retries: int = 5
    ) -> "Device":
        """The device behind an open line, which is closed with it."""
        try:
            return cls(Channel(line, name, timeout=timeout, retries=retries), line.close, network)
        except BaseException:
            line.close()
            raise

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back."""
        self._close()

    # Frames.

    def classify(self, images: np.ndarray, *, pixels: bool = False) -> Iterator[Answer]:
        """The nearest reference of each image."""
        for answer in self._run(self._requests(images, pixels), "CLASSIFY"):
            yield answer[0]

    def classify_events(self, frames: Iterable[np.ndarray]) -> Iterator[Answer]:
        """The same for frames of event words, TICKs included, addresses ascending inside a step."""
        requests = event_frames(self._channel, frames, values=self._values())
        for answer in self._run(requests, "CLASSIFY"):
            yield answer[0]

    def classify_live(
        self, frames: Iterable[np.ndarray], due: Callable[[int], float], clock: Callable[[], float]
    ) -> Iterator[Answer]:
        """The same for frames of spikes bool [T, N], each step sent when it is over, not earlier.

        `due(k)`: when step k (0, 1, ... over all frames) is over, in seconds of `clock`. The host makes the
        TICKs, so each event is in the step in which the caller has it; how late it is sent changes no
        answer. Answers come as soon as the core gives them.
        """
        for answer in self._run(step_requests(self._channel, frames, due, clock), "CLASSIFY"):
            yield answer[0]

    @contextmanager
    def by_timer(self, period: int) -> Iterator[TimedRun]:
        """A core's step timer, running while the context lasts: events go in as they come, without TICKs.

        `period`: clocks of a step. A frame begins with its first event and lasts T steps; which step an event
        is in is for the core's clock and the line to decide. Afterwards the core is as after a reset. Raises
        DeviceError if the core has no timer.
        """
        if not self.info.timer:
            raise DeviceError("this core has no step timer: build it with hardware.step_timer")
        if not 0 < period < 1 << 32:
            raise out_of_range("period", period, "clocks of a step, 1..2^32 - 1")
        weights.wait(self._channel)
        self._command("CLASSIFY")
        try:
            yield TimedRun(self._channel, period)
        finally:
            stop_timer(self._channel)

    def embed(self, images: np.ndarray, *, pixels: bool = False) -> Iterator[tuple[np.ndarray, Answer]]:
        """Output spikes bool [T, n_out] of each image, and its answer."""
        size = spike_bytes(self.info.timesteps, self.info.outputs)
        for answer, payload in self._run(self._requests(images, pixels, spikes=True), "CLASSIFY"):
            yield unpack_spikes(payload[:size], self.info.timesteps, self.info.outputs), answer

    def enrol(
        self,
        slot: int,
        label: int,
        image: np.ndarray,
        *,
        threshold: int | None = None,
        pixels: bool = False,
    ) -> Answer:
        """Make one image's embedding the reference of a slot; what the slot held is given up.

        `threshold`: up to which distance frames are the same as it; None: the device's own serves it.
        Returns the answer to the image among the references that there were. If the core refuses,
        DeviceError is raised and the slot stays as it was.
        """
        self._check_slot(slot)
        _check_label(label)
        self._clear_errors()
        requests = list(self._requests(image, pixels))
        (answer,) = (found for found, _ in self._run(iter(requests), "ENROL"))
        self._commit(slot, label, threshold)
        self._command("CLASSIFY")
        self._raise_errors(f"enrolling in slot {slot}")
        return answer

    def enrol_median(
        self,
        slot: int,
        label: int,
        images: np.ndarray,
        *,
        threshold: int | None = None,
        pixels: bool = False,
    ) -> None:
        """Make the element-wise median of several images' embeddings the reference of a slot.

        It is the one reference that lies nearest to all of them. The core computes the embeddings, the host
        their median, which it writes to the staged copy; the slot keeps what it holds until the COMMIT that
        exchanges both, whatever happens before.
        """
        self._check_slot(slot)
        spikes = np.stack([found for found, _ in self.embed(images, pixels=pixels)], axis=1)
        median = emd.median_reference(emd.cumulative_counts(spikes))
        self.write_reference(slot, label, median.astype(np.int64), threshold=threshold)

    def fit_threshold(self, slot: int, images: np.ndarray, *, pixels: bool = False) -> int:
        """Give a slot the threshold that its own images and the slots of other labels suggest.

        See numerics/decision.py: the images' spread, and as impostors the references that other slots hold
        under other labels. The slot's reference is written anew, in one exchange. Returns the threshold.
        """
        label, holds = self.reference(slot)
        if not holds:
            raise DeviceError(f"slot {slot} is empty: enrol into it first")
        counts = self.read_reference(slot)
        own = np.array(
            [emd.emd(emd.cumulative_counts(s), counts) for s, _ in self.embed(images, pixels=pixels)]
        )
        others = [
            emd.emd(self.read_reference(other.number), counts)
            for other in self.slots()
            if other.holds and other.label != label
        ]
        threshold = enrolled_threshold(own, np.array(others, np.int64), self.threshold)
        self.write_reference(slot, label, counts, threshold=threshold)
        return threshold

    def verify(self, slot: int, images: np.ndarray, *, pixels: bool = False) -> Iterator[Answer]:
        """The distance of each image to the reference of a slot, and whether it is below the threshold."""
        if not self.reference(slot)[1]:
            raise DeviceError(f"slot {slot} is empty: enrol into it first")
        for answer in self._run(self._requests(images, pixels), "VERIFY", slot):
            yield answer[0]

    # References.

    def clear(self, slot: int) -> None:
        """Empty a slot."""
        self._check_slot(slot)
        self._command("CLEAR", slot)

    def reference(self, slot: int) -> tuple[int, bool]:
        """Label of a slot, and whether it holds a reference."""
        self._check_slot(slot)
        return references.state(self._channel, slot)

    def slots(self) -> list[Slot]:
        """Every slot with what it holds; none for a core whose references are fixed."""
        return [
            Slot(number, *self.reference(number), references.threshold(self._channel, number))
            for number in range(self.info.slots)
        ]

    def free_slot(self) -> int | None:
        """The first slot that holds nothing; None if all of them hold references."""
        self._check_slot(0)
        return next((slot for slot in range(self.info.slots) if not self.reference(slot)[1]), None)

    def read_reference(self, slot: int) -> np.ndarray:
        """The cumulative counts of a slot, int64 [T, n_out]."""
        self._check_slot(slot)
        return references.read(self._channel, slot, (self.info.timesteps, self.info.outputs))

    def write_reference(
        self, slot: int, label: int, counts: np.ndarray, *, threshold: int | None = None
    ) -> None:
        """Put cumulative counts [T, n_out] into a slot, such as the host has kept from `read_reference`."""
        self._check_slot(slot)
        _check_label(label)
        self._clear_errors()
        references.stage(self._channel, counts, (self.info.timesteps, self.info.outputs))
        self._commit(slot, label, threshold)
        self._raise_errors(f"writing slot {slot}")

    def _commit(self, slot: int, label: int, threshold: int | None) -> None:
        """Exchange a slot with the staged copy, under this label and threshold."""
        if threshold is not None and not 0 <= threshold < 1 << 31:
            raise out_of_range("threshold", threshold, "an integer in 0..2^31 - 1")
        own = threshold is not None
        registers.write(self._channel, "COMMIT_THRESHOLD", own=own, threshold=threshold or 0)
        self._command("COMMIT", slot, label)

    # State.

    @property
    def threshold(self) -> int:
        """Distance up to which two frames count as the same."""
        return registers.read(self._channel, "THRESHOLD")["THRESHOLD.threshold"]

    @threshold.setter
    def threshold(self, value: int) -> None:
        if not 0 <= value < 1 << 32:
            raise out_of_range("threshold", value, "an integer in 0..2^32 - 1")
        registers.write(self._channel, "THRESHOLD", threshold=value)

    def stats(self) -> Stats:
        """Counters and error flags as they are now."""
        found = registers.read(self._channel, "STATUS", "CYCLES")
        return Stats(
            found["FRAMES.frames"],
            found["CYCLES.cycles"],
            flags(found),
            bool(found["STATUS.weights_loaded"]),
            dataclasses.replace(self._channel.traffic),
        )

    @property
    def traffic(self) -> Traffic:
        """What has gone over the line in this session."""
        return self._channel.traffic

    def reset(self) -> None:
        """Reset the core: frames, results, errors and counters; references and weights stay."""
        registers.write(self._channel, "CONTROL", soft_reset=1)

    def load_weights(self, words: Iterable[int], progress: Callable[[int], None] | None = None) -> None:
        """Load the weight image (16-bit words, weights.mem) into a core that keeps its weights in RAM.

        `progress` is told how many words have gone. Raises DeviceError if the image is refused.
        """
        if not self.info.loads:
            raise DeviceError("this core has its weights in the bitstream: there is nothing to load")
        weights.load(self._channel, words, progress)

    # How it is done.

    def _requests(
        self, images: np.ndarray, pixels: bool, *, spikes: bool = False
    ) -> Iterator[tuple[int, bytes] | None]:
        images = as_images(images, self._network, self.info.inputs)
        if pixels:
            if not self.info.pixels:
                raise DeviceError("this core has no encoder on the chip: leave out pixels")
            return pixel_frames(self._channel, images, spikes=spikes)
        if self._network is None:
            raise TwinspikeError(
                "images are turned into events by the network's encoding: open with network="
            )
        encoding = self._network.encoder
        frames = (encoding.events(image, self.info.timesteps)[0] for image in images)
        return event_frames(self._channel, frames, values=self._values(), spikes=spikes)

    def _values(self) -> bool:
        """Whether the core reads VALUE words, which needs the network to be known."""
        return self._network is not None and isinstance(self._network.encoder, Graded)

    def _run(
        self, requests: Iterator[tuple[int, bytes] | None], mode: str, slot: int = 0
    ) -> Iterator[tuple[Answer, bytes]]:
        """Answer and payload of each frame; each must count one frame more in the core."""
        weights.wait(self._channel)
        self._command(mode, slot)
        count = registers.read(self._channel, "FRAMES")["FRAMES.frames"]
        for payload in self._channel.stream(requests):
            if not payload:
                continue  # a part of a frame
            found = registers.record(payload)
            count = (count + 1) % (1 << 32)
            if found["FRAMES.frames"] != count:
                raise LinkError("the core has counted other frames than were sent: open the device again")
            yield answer_of(found), payload

    def _command(self, name: str, slot: int = 0, label: int = 0) -> None:
        if self.info.slots:
            code = COMMANDS.index(name)
            registers.write(self._channel, "COMMAND", command=code, slot=slot, label=label)

    def _check_slot(self, slot: int) -> None:
        if not self.info.slots:
            raise DeviceError(
                "this core's references are fixed: build it with hardware.slots to enrol and verify"
            )
        if not 0 <= slot < self.info.slots:
            raise out_of_range("slot", slot, f"an integer in 0..{self.info.slots - 1}")

    def _clear_errors(self) -> None:
        self._channel.request(*registers.writing("ERRORS", 0xFFFF_FFFF))

    def _raise_errors(self, doing: str) -> None:
        refused = flags(registers.read(self._channel, "ERRORS"))
        if refused:
            raise DeviceError(f"{doing}: the core refused it ({', '.join(refused)}); nothing was changed")


def _check_label(label: int) -> None:
    if not 0 <= label < NO_LABEL:
        raise out_of_range("label", label, f"an integer in 0..{NO_LABEL - 1}")
