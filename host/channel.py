"""Requests over a serial port: several on their way at once, each executed once, answers in order."""

import collections
import dataclasses
import enum
import os
import time
from collections.abc import Iterable, Iterator
from typing import Protocol

from ..numerics.link import (
    ANSWER,
    BUFFER_SPARE,
    ENTRY_BYTES,
    FLAG,
    NONCE_BYTES,
    OPENED_BYTES,
    REASONS,
    REFUSED,
    VERSION,
    Deframer,
    Op,
    Opened,
    Reason,
    frame,
)
from .errors import DeviceError, LinkError


class _End(enum.Enum):
    """What there is behind the last request."""

    END = 0


_END = _End.END


class Port(Protocol):
    """What a channel asks of a port: pyserial's Serial with a read timeout set, or SpiPort."""

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1) -> bytes: ...
    def write(self, data: bytes) -> int | None: ...
    def close(self) -> None: ...


@dataclasses.dataclass
class _Waiting:
    """A request without an answer: its number, the bytes that ask it, its share of the device's buffer."""

    sequence: int
    frame: bytes
    cost: int
    answer: tuple[int, bytes] | None = None


@dataclasses.dataclass
class Traffic:
    """What went over the line since the channel was opened."""

    requests: int = 0
    repeated: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    broken: int = 0


class Channel:
    """One session with a device; `name` is what error messages call the port.

    `timeout`: seconds without progress until requests are sent again, `retries` times.
    Raises LinkError and DeviceError.
    """

    def __init__(self, port: Port, name: str, *, timeout: float = 1.0, retries: int = 5):
        self._port, self._name = port, name
        self._timeout, self._retries = timeout, retries
        self._deframer = Deframer()
        self._waiting: collections.deque[_Waiting] = collections.deque()
        self.traffic = Traffic()
        self._sequence, self.opened = self._open()

    @property
    def largest(self) -> int:
        """The longest payload of a request."""
        return (1 << self.opened.buffer_log2) - ENTRY_BYTES - BUFFER_SPARE

    def request(self, kind: int, payload: bytes = b"") -> bytes:
        """The payload of the answer to one request."""
        (answer,) = self.stream([(kind, payload)])
        return answer

    def stream(self, requests: Iterable[tuple[int, bytes] | None]) -> Iterator[bytes]:
        """The payloads of the answers to (kind, payload) each, in their order, as they come.

        None among them: nothing is to be sent yet; answers are listened for before the next one is asked for.

        As many are on their way as the device's window and buffer allow. Whoever stops listening early
        leaves requests behind: they are executed, and their answers are dropped.
        """
        if self._waiting:
            raise LinkError(f"{self._name}: another run of requests is not at its end yet")
        coming = iter(requests)
        ahead = next(coming, _END)
        failures, progress = 0, time.monotonic()
        try:
            while ahead is not _END or self._waiting:
                while isinstance(ahead, tuple) and self._fits(len(ahead[1])):
                    self._send(*ahead)
                    ahead = next(coming, _END)
                    progress = time.monotonic()
                if ahead is None:
                    ahead = next(coming, _END)
                if self._receive() or not self._waiting:
                    failures, progress = 0, time.monotonic()
                elif time.monotonic() - progress > self._timeout:
                    failures, progress = failures + 1, time.monotonic()
                    if failures > self._retries:
                        raise LinkError(
                            f"{self._name}: no answer for {self._timeout * failures:.1f} s to a request that "
                            f"was sent {failures} times: check cable and power, then open it again"
                        )
                    self._repeat(self._waiting)
                while self._waiting and (answer := self._waiting[0].answer):
                    self._waiting.popleft()
                    yield self._settle(*answer)
        finally:
            # After an error nobody waits for the rest; what still comes for it is ignored.
            self._waiting.clear()

    def reopen(self) -> None:
        """Begin a new session on the same line: a frame that was begun and not finished is thrown away."""
        self._sequence, self.opened = self._open()

    def _settle(self, kind: int, payload: bytes) -> bytes:
        if kind & REFUSED == REFUSED:
            number = kind & ~REFUSED
            reason = REASONS.get(number, f"reason {number}")
            raise DeviceError(f"{self._name}: the device refused a request: {reason}")
        return payload

    def _open(self) -> tuple[int, Opened]:
        nonce, sequence = os.urandom(NONCE_BYTES), os.urandom(1)[0]
        for _ in range(self._retries + 1):
            # A FLAG ahead ends whatever half frame an earlier session has left on the line.
            self._write(bytes((FLAG,)) + frame(sequence, Op.OPEN, nonce))
            until = time.monotonic() + self._timeout
            while time.monotonic() < until:
                for number, kind, payload in self._read():
                    if (number, kind) == (sequence, ANSWER | Op.OPEN) and payload.startswith(nonce):
                        return (sequence + 1) % 256, self._checked(payload[NONCE_BYTES:])
        raise LinkError(
            f"{self._name}: no twinspike device answers: check that the board is programmed, that this is "
            "its port, and that the baud rate is that of its bitstream"
        )

    def _checked(self, facts: bytes) -> Opened:
        if len(facts) < OPENED_BYTES or facts[0] != VERSION:
            found = facts[0] if facts else "none"
            raise DeviceError(
                f"{self._name}: the device speaks version {found} of the link, this program {VERSION}: use "
                "a bitstream and a program of one release"
            )
        return Opened(*facts[:OPENED_BYTES])

    def _fits(self, payload: int) -> bool:
        if payload > self.largest:
            raise DeviceError(f"a request of {payload} bytes: this device takes {self.largest} at most")
        used = sum(one.cost for one in self._waiting)
        room = used + payload + ENTRY_BYTES + BUFFER_SPARE <= 1 << self.opened.buffer_log2
        return len(self._waiting) < self.opened.window and room

    def _send(self, kind: int, payload: bytes) -> None:
        one = _Waiting(self._sequence, frame(self._sequence, kind, payload), len(payload) + ENTRY_BYTES)
        self._sequence = (self._sequence + 1) % 256
        self._waiting.append(one)
        self.traffic.requests += 1
        self._write(one.frame)

    def _repeat(self, which: Iterable[_Waiting]) -> None:
        for one in which:
            if one.answer is None:
                self.traffic.repeated += 1
                self._write(one.frame)

    def _receive(self) -> bool:
        """Take what has come; returns whether a request was answered."""
        progress = False
        for sequence, kind, payload in self._read():
            numbers = [one.sequence for one in self._waiting]
            if sequence not in numbers:
                continue
            at = numbers.index(sequence)
            if kind == REFUSED | Reason.SEQUENCE:
                self._repeat(list(self._waiting)[at:])
            elif kind & ANSWER and self._waiting[at].answer is None:
                self._waiting[at].answer = (kind, payload)
                progress = True
                # Answers come in order: those before this one are lost, and kept by the device.
                self._repeat(list(self._waiting)[:at])
        return progress

    def _read(self) -> list[tuple[int, int, bytes]]:
        try:
            data = self._port.read(max(1, self._port.in_waiting))
        except (OSError, TypeError) as error:  # pyserial's errors are OSErrors; TypeError: closed meanwhile
            raise LinkError(
                f"{self._name}: the port is gone ({error}): plug it in and open it again"
            ) from None
        self.traffic.bytes_in += len(data)
        found = list(self._deframer.feed(data))
        self.traffic.broken = self._deframer.broken
        return found

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise LinkError(
                f"{self._name}: the port is gone ({error}): plug it in and open it again"
            ) from None
        self.traffic.bytes_out += len(data)
