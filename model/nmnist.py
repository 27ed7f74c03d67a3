"""N-MNIST: digits that an event camera saw while it moved, read from its own files and binned to spikes.

A recording is a run of 5-byte events (Orchard et al., 2015; files end in .bin or .bs2), most significant bit
first: x (8 bits), y (8), polarity (1: brighter), time in microseconds (23). An event with y = 240 is no
event: it says that the time of those after it has run over, by 2^13. The camera has 34 x 34 pixels and a
recording lasts about 0.3 s.

Frames are binned as the NIR paper's networks have it: step t holds what happens in milliseconds t..t + 1 of
the recording's clock, polarity 0 is channel 0, polarity 1 channel 1, and the map is [y, x, polarity]. Several
events of one address in a step are one spike.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from ..numerics.encodings import MAX_TIMESTEPS
from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.files import read_limited

SIDE = 34
SHAPE = (SIDE, SIDE, 2)
STEP_US = 1000
TIMESTEPS = 300
EVENT_BYTES = 5
_OVERFLOW_Y, _OVERFLOW_US = 240, 1 << 13
MAX_FILE_BYTES = 1 << 28
MAX_RECORDING_BYTES = 1 << 22
# Of an archive: the list with a sample and its class a line, and where its recordings are.
LISTS = {"train": "train1K.txt", "test": "test100.txt"}


def read_events(data: bytes, where: str = "recording") -> np.ndarray:
    """Events int64 [N, 4] of a recording's bytes: x, y, polarity, time in microseconds, in their order.

    Raises TwinspikeError for a length that is no multiple of 5 bytes and for a pixel outside 34 x 34.
    """
    if len(data) % EVENT_BYTES:
        raise out_of_range(f"{where} length", len(data), f"a multiple of {EVENT_BYTES} bytes")
    raw = np.frombuffer(data, np.uint8).reshape(-1, EVENT_BYTES).astype(np.int64)
    time = (raw[:, 2] & 0x7F) << 16 | raw[:, 3] << 8 | raw[:, 4]
    over = raw[:, 1] == _OVERFLOW_Y
    time += _OVERFLOW_US * (np.cumsum(over) - over)
    events = np.stack([raw[:, 0], raw[:, 1], raw[:, 2] >> 7, time], axis=1)[~over]
    outside = (events[:, :2] >= SIDE).any(axis=1)
    if outside.any():
        first = int(np.argmax(outside))
        x, y = events[first, :2]
        raise out_of_range(f"{where} event {first}", f"pixel ({x}, {y})", f"0..{SIDE - 1} each")
    return events


def spikes_of(events: np.ndarray, timesteps: int, step_us: int = STEP_US) -> np.ndarray:
    """Spikes bool [T, 34 * 34 * 2] of events [N, 4]; the address of (y, x, polarity) is channel-last.

    Step t is time t * step_us..(t + 1) * step_us - 1; what comes later than the last step is left out.
    """
    if not 1 <= timesteps <= MAX_TIMESTEPS:
        raise out_of_range("timesteps", timesteps, f"an integer in 1..{MAX_TIMESTEPS}")
    x, y, polarity, time = events.T
    step = time // step_us
    inside = step < timesteps
    spikes = np.zeros((timesteps, *SHAPE), dtype=bool)
    spikes[step[inside], y[inside], x[inside], polarity[inside]] = True
    return spikes.reshape(timesteps, -1)


def load_part(
    path: Path, part: str, timesteps: int, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes bool [T, B, 2312] and labels int64 [B] of the "train" or "test" recordings of an archive.

    The archive is the excerpt NMNISTsmall.zip or one made like it: a folder with numbered .bs2 or .bin files
    and the lists train1K.txt and test100.txt. `most` takes only the first so many. Raises TwinspikeError.
    """
    data = io.BytesIO(read_limited(path, MAX_FILE_BYTES, "an N-MNIST archive"))
    try:
        with zipfile.ZipFile(data) as archive:
            names = {name.rsplit("/", 1)[-1]: name for name in archive.namelist()}
            samples = _samples(path, archive, names, LISTS[part])[:most]
            trains = [spikes_of(_recording(path, archive, names, n), timesteps) for n, _ in samples]
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
        raise TwinspikeError(f"{path}: is not a sound zip file ({error}): fetch it again") from None
    return np.stack(trains, axis=1), np.array([label for _, label in samples], dtype=np.int64)


def _samples(
    path: Path, archive: zipfile.ZipFile, names: dict[str, str], list_name: str
) -> list[tuple[str, int]]:
    """(name of a recording, its class) of every line of a list; lines that begin with # are remarks."""
    if list_name not in names:
        raise TwinspikeError(f"{path}: {list_name} is missing: expected an archive like NMNISTsmall.zip")
    lines = archive.read(names[list_name]).decode("ascii", "replace").splitlines()
    found = []
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) > 9:
            raise TwinspikeError(f"{path}: {list_name}: {line!r}: expected a sample's number and its digit")
        found.append((words[0], int(words[1])))
    if not found:
        raise TwinspikeError(f"{path}: {list_name} lists no recordings")
    return found


def _recording(path: Path, archive: zipfile.ZipFile, names: dict[str, str], sample: str) -> np.ndarray:
    for name in (f"{sample}.bs2", f"{sample}.bin"):
        if name in names:
            if archive.getinfo(names[name]).file_size > MAX_RECORDING_BYTES:
                raise TwinspikeError(f"{path}: {name}: more than {MAX_RECORDING_BYTES} bytes are not allowed")
            return read_events(archive.read(names[name]), f"{path}: {name}")
    raise TwinspikeError(f"{path}: recording {sample} is missing (.bs2 or .bin)")
