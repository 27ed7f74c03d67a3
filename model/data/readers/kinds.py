"""The formats by the ending of a file's name: where a new one is registered."""

import lzma
from collections.abc import Callable
from pathlib import Path

from ....numerics.errors import TwinspikeError
from ....numerics.files import read_limited
from ....numerics.recordings import Recording
from .aedat2 import read_aedat2
from .by_faery import read_faery
from .dat import read_dat
from .evt2 import read_evt2_words
from .five_bytes import read_five_bytes, read_five_bytes_1d
from .packets import read_pcap
from .sound import read_sound
from .text import read_text

MAX_FILE_BYTES = 1 << 31


def read_aedat(path: Path, data: bytes) -> Recording:
    """AEDAT 2 or AEDAT 4, which its first line says."""
    return (read_aedat2 if data.startswith(b"#!AER-DAT2") else read_faery)(path, data)


def read_bin(path: Path, data: bytes) -> Recording:
    """N-MNIST's five bytes an event, or bare words of EVT 2: whichever the content is."""
    if len(data) % 5 == 0:
        try:
            return read_five_bytes(path, data)
        except TwinspikeError:
            if len(data) % 4:
                raise
    return read_evt2_words(path, data)


Reader = Callable[[Path, bytes], Recording]
# What is recorded, and how the file is read.
READERS: dict[str, tuple[str, Reader]] = {
    ".aedat": ("events", read_aedat),
    ".aedat4": ("events", read_faery),
    ".raw": ("events", read_faery),
    ".es": ("events", read_faery),
    ".dat": ("events", read_dat),
    ".bin": ("events", read_bin),
    ".bs2": ("events", read_five_bytes),
    ".bs1": ("events", read_five_bytes_1d),
    ".txt": ("events", read_text),
    ".wav": ("sound", read_sound),
    ".flac": ("sound", read_sound),
    ".ogg": ("sound", read_sound),
    ".pcap": ("packets", read_pcap),
    ".pcapng": ("packets", read_pcap),
}
SUFFIXES = tuple(READERS)


def kind_of(path: Path) -> str | None:
    """What a file records, by its name: events, sound, packets; None for another file."""
    found = READERS.get(_suffix(path))
    return found[0] if found else None


def read_recording(path: Path, data: bytes | None = None) -> Recording:
    """The recording in a file, perhaps packed by xz; `data` is its content where it lies elsewhere.

    Raises TwinspikeError, one line, for a file that is missing, truncated or no such recording.
    """
    if _suffix(path) not in READERS:
        raise TwinspikeError(f"{path}: no reader knows this ending: allowed are {', '.join(SUFFIXES)}")
    if data is None:
        data = read_limited(path, MAX_FILE_BYTES, "a recording")
    if path.suffix.lower() == ".xz":
        try:
            # A small file may unpack to anything.
            data = lzma.LZMADecompressor().decompress(data, MAX_FILE_BYTES)
        except lzma.LZMAError as error:
            raise TwinspikeError(f"{path}: cannot be unpacked ({error})") from None
    return READERS[_suffix(path)][1](path, data)


def _suffix(path: Path) -> str:
    name = Path(path.name.lower().removesuffix(".xz"))
    return name.suffix
