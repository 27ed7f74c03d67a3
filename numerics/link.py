"""The link's protocol: one definition for gateware, host program and documents.

On the line, bytes (8N1, or by SPI in mode 0, highest bit first, where both sides send FLAGs while they have
nothing else), framed as in RFC 1662 (HDLC-like framing): a FLAG on either side of a frame; inside,
FLAG and ESCAPE are sent as ESCAPE and the byte with bit 5 flipped. A frame holds

    sequence number, kind, payload ..., CRC-32 of all these (little-endian, as in Ethernet)

What is not a sound frame is dropped without an answer; any FLAG starts afresh, so no noise and no half
frame outlives the next FLAG.
"""

import dataclasses
import enum
import zlib
from collections.abc import Iterator

import numpy as np

from .errors import TwinspikeError
from .events import TICK
from .values import MOST, VALUE

VERSION = 1
FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
CRC_BYTES = 4
HEAD_BYTES = 2  # sequence number and kind
# What a request takes of the device's buffer beside its payload: the head, and the payload's length.
ENTRY_BYTES = HEAD_BYTES + 2
# Room that arriving bytes need beyond the requests counted: CRC, and one that stays free.
BUFFER_SPARE = CRC_BYTES + 1

# Packed events, a byte each.
STEP_ENDS, SKIP = 0xFF, 0xFE
TIMES = 0xFD  # for a core that reads VALUE words: the next byte is one


class Op(enum.IntEnum):
    """What a request asks for: the lowest three bits of its kind."""

    OPEN = 0
    READ = 1
    WRITE = 2
    EVENTS = 3
    PIXELS = 4


# Flags of a request's kind.
MORE = 0x08  # EVENTS, PIXELS: the frame goes on in the next request of this kind
SPIKES = 0x10  # EVENTS, PIXELS of a whole frame: the answer holds the output spikes, before the record
HOLD = 0x20  # READ, WRITE: the address stays, for a register that is a port
# Flags of an answer's kind: the request's own with ANSWER, or REFUSED with a reason.
ANSWER, REFUSED = 0x80, 0xC0


class Reason(enum.IntEnum):
    """Why a request was refused: the lowest bits of the answer's kind."""

    SEQUENCE = 0
    UNKNOWN = 1
    LENGTH = 2
    TIMEOUT = 3


REASONS: dict[int, str] = {
    Reason.SEQUENCE: "not the next sequence number, nor one of the last answered: the answer's own number is "
    "the one that is expected",
    Reason.UNKNOWN: "no such request in this device",
    Reason.LENGTH: "the payload's length does not suit the request, or the answer would be too long",
    Reason.TIMEOUT: "the core did not take the words or gave no result in time: STATUS says whether weights "
    "are missing",
}

PAYLOADS = {
    Op.OPEN: ("number (4), chosen by the host", "that number (4), then the fields of OPENED"),
    Op.READ: ("word address (2), words (1)", "32-bit words"),
    Op.WRITE: ("word address (2), 32-bit words", "nothing"),
    Op.EVENTS: ("packed events", "with MORE nothing; else the record, output spikes before it"),
    Op.PIXELS: ("8-bit pixels", "as of EVENTS"),
}


@dataclasses.dataclass(frozen=True)
class Opened:
    """What the answer to OPEN says, a byte each."""

    version: int
    window: int  # requests that may wait for answers
    buffer_log2: int  # bytes of them, ENTRY_BYTES each beside the payload
    answer_words: int  # 32-bit words that a READ may ask for
    clock_mhz: int  # of the core, to the nearest; 0: not known

    def pack(self) -> bytes:
        return bytes(dataclasses.astuple(self))


OPENED_BYTES = len(dataclasses.fields(Opened))
NONCE_BYTES = 4


def frame(sequence: int, kind: int, payload: bytes = b"") -> bytes:
    """The bytes on the line of one frame, both FLAGs included."""
    body = bytes((sequence, kind)) + payload
    body += zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    escaped = body.replace(bytes((ESCAPE,)), bytes((ESCAPE, ESCAPE ^ FLIP)))
    escaped = escaped.replace(bytes((FLAG,)), bytes((ESCAPE, FLAG ^ FLIP)))
    return bytes((FLAG,)) + escaped + bytes((FLAG,))


class Deframer:
    """Finds sound frames in a stream of bytes, whatever stands between them."""

    # Longer ones are noise: no answer is.
    LONGEST = 1 << 17

    def __init__(self) -> None:
        self._body = bytearray()
        self._escaped = False
        self.broken = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """(sequence, kind, payload) of each frame that ends in `data`."""
        for byte in data:
            if byte == FLAG:
                found, self._body = self._body, bytearray()
                cut, self._escaped = self._escaped, False
                if found:
                    payload = None if cut else _checked(bytes(found))
                    if payload is None:
                        self.broken += 1
                    else:
                        yield payload
            elif byte == ESCAPE:
                self._escaped = True
            elif len(self._body) < self.LONGEST:
                self._body.append(byte ^ FLIP if self._escaped else byte)
                self._escaped = False


def _checked(body: bytes) -> tuple[int, int, bytes] | None:
    content, crc = body[:-CRC_BYTES], body[-CRC_BYTES:]
    if len(content) < HEAD_BYTES or zlib.crc32(content).to_bytes(CRC_BYTES, "little") != crc:
        return None
    return content[0], content[1], content[HEAD_BYTES:]


def pack_events(words: np.ndarray, *, values: bool = False) -> bytes:
    """Event words (hw order: addresses ascending inside a step) as bytes, one per event as a rule.

    A byte b < SKIP: the address is the one before, -1 at a step's start, plus b, and spikes. SKIP: the
    address goes on by SKIP without a spike. STEP_ENDS: a TICK. Raises TwinspikeError if addresses descend.

    With `values`, for a core of the graded encoder, TIMES and a byte m are a VALUE word, behind which the
    address is -1 again and ascends anew; there TIMES stands in SKIP's place as the least byte that is none to
    be added, and as what SKIP adds.
    """
    out = bytearray()
    address, least = -1, TIMES if values else SKIP
    for word in words.tolist():
        if values and word >= VALUE:
            out += bytes((TIMES, word & MOST))
            address = -1
            continue
        if word >= TICK:
            out.append(STEP_ENDS)
            address = -1
            continue
        ahead = word - address
        if ahead < 0:
            raise TwinspikeError(f"event address {word} follows {address}: addresses ascend inside a step")
        skips, ahead = divmod(ahead, least)
        out += bytes((SKIP,)) * skips
        out.append(ahead)
        address = word
    return bytes(out)


def unpack_events(packed: bytes, *, values: bool = False) -> np.ndarray:
    """The inverse of :func:`pack_events`: uint16 words."""
    words: list[int] = []
    address, times = -1, False
    for byte in packed:
        if times or (values and byte == TIMES):
            words += [VALUE | byte & MOST] if times else []
            address, times = -1, not times
            continue
        if byte == STEP_ENDS:
            words.append(TICK)
            address = -1
            continue
        address += TIMES if values and byte == SKIP else byte
        if byte != SKIP:
            words.append(address & 0x7FFF)
    return np.array(words, dtype=np.uint16)


def spike_bytes(timesteps: int, outputs: int) -> int:
    """Bytes of the output spikes in an answer: a bit per neuron, lowest first, whole bytes per step."""
    return timesteps * -(-outputs // 8)


def unpack_spikes(packed: bytes, timesteps: int, outputs: int) -> np.ndarray:
    """Output spikes of an answer -> bool [T, n_out]."""
    rows = np.frombuffer(packed, np.uint8).reshape(timesteps, -1)
    return np.unpackbits(rows, axis=1, bitorder="little")[:, :outputs].astype(bool)
