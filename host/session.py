"""An open session with a core: what it is and how it does, and frames that run on it."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..numerics.commands import COMMANDS
from ..numerics.encodings import Graded
from ..numerics.errors import TwinspikeError, out_of_range
from ..quant.network import Network
from ..quant.network_file import load_network
from . import registers, weights
from .channel import Channel, Port, Traffic
from .errors import DeviceError, LinkError
from .frames import as_images, event_frames, pixel_frames
from .info import Answer, Info, Stats, answer_of, flags, identify
from .live import stop_timer
from .ports import open_port

BAUD = 3_000_000


class Session:
    """A core at the other end of a line, from opening to closing; a context manager.

    Raises LinkError (the line), DeviceError (the board's answer) and TwinspikeError (the arguments).
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
    ) -> Self:
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
    ) -> Self:
        """The device behind an open line, which is closed with it."""
        try:
            return cls(Channel(line, name, timeout=timeout, retries=retries), line.close, network)
        except BaseException:
            line.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back."""
        self._close()

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

    def _clear_errors(self) -> None:
        self._channel.request(*registers.writing("ERRORS", 0xFFFF_FFFF))

    def _raise_errors(self, doing: str) -> None:
        refused = flags(registers.read(self._channel, "ERRORS"))
        if refused:
            raise DeviceError(f"{doing}: the core refused it ({', '.join(refused)}); nothing was changed")
