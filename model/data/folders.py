"""Datasets in a folder: a subfolder per class, perhaps below train/, test/ and val/."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...numerics.encodings import Encoding, Timed
from ...numerics.errors import TwinspikeError
from ...numerics.files import read_limited
from ...numerics.progress import Bar
from . import images
from .heard import check_heard_again, further, heard_again
from .readers import kind_of, read_recording
from .readers.kinds import MAX_FILE_BYTES
from .samples import Samples
from .settings import DataSettings

PARTS = ("train", "test", "val")


class SampleFile(NamedTuple):
    """A file of a dataset: its part, its class, where it lies, what it is (image, events, sound, packets)."""

    part: str
    name: str
    path: Path
    kind: str


def files_of(folder: Path) -> tuple[list[SampleFile], list[Path]]:
    """The samples of a folder, in order of part, class and name, and the files that are none.

    Hidden files do not count. Raises TwinspikeError for a folder without classes and one with several
    kinds of samples.
    """
    parts = [part for part in PARTS if (folder / part).is_dir()]
    if parts and "train" not in parts:
        raise TwinspikeError(f"{folder}: has {parts[0]}/ but no train/: put what is to train there")
    found, others = [], []
    for part in parts or ["train"]:
        root = folder / part if parts else folder
        for path in _visible(root):
            name = path.relative_to(root).parts[0]
            kind = "image" if path.suffix.lower() in images.SUFFIXES else kind_of(path)
            if kind is None or path.parent == root:
                others.append(path)
            else:
                found.append(SampleFile(part, name, path, kind))
    if not found:
        raise TwinspikeError(
            f"{folder}: holds no samples: expected a subfolder per class with images (.png, .jpg, "
            ".bmp), sounds (.wav), recordings of events (.aedat, .raw, .bin, ...) or captures (.pcap)"
        )
    if not any(file.part == "train" for file in found):
        raise TwinspikeError(f"{folder}: has no samples in train/: put what is to train there")
    kinds = Counter(file.kind for file in found).most_common()
    if len(kinds) > 1:
        odd = next(file.path for file in found if file.kind == kinds[-1][0])
        counts = ", ".join(f"{count} of {kind}" for kind, count in kinds)
        raise TwinspikeError(
            f"{folder}: holds samples of several kinds, {counts} ({odd.relative_to(folder)}): keep one kind"
        )
    return found, others


def read_folder(
    folder: Path, settings: DataSettings, encoding: Encoding, timesteps: int, *, progress: bool
) -> tuple[list[Samples], str]:
    """The parts of a folder and the SHA-256 of its files' names and contents."""
    files, _ = files_of(folder)
    kind = files[0].kind
    reader = sample_reader(folder, kind, settings, encoding, timesteps)
    check_heard_again(settings, str(folder), _PLURAL[kind], sound=kind == "sound")
    again: dict[int, np.ndarray] = {}
    pattern = _pattern(settings.group)
    sha, rows = hashlib.sha256(), []
    for file in Bar(files, desc=f"reading {folder.name}", unit="file", disable=not progress, leave=False):
        data = read_limited(file.path, MAX_FILE_BYTES, "a sample")
        sha.update(f"{file.path.relative_to(folder).as_posix()}\0{len(data)}\0".encode() + data)
        rows.append(reader(file.path, data))
        if heard_again(settings) and file.part == "train" and isinstance(encoding, Timed):
            recording = read_recording(file.path, data)
            again[len(rows) - 1] = further(recording, len(rows) - 1, settings, encoding, timesteps)
    first = rows[0].shape
    for file, row in zip(files, rows, strict=True):
        if row.shape != first:
            raise TwinspikeError(
                f"{file.path}: is {sides(row)}, {files[0].path.name} {sides(rows[0])}: give all one size "
                "with data.size = [height, width], and data.channels"
            )
    found = []
    for part in PARTS:
        own = [i for i, file in enumerate(files) if file.part == part]
        if own:
            groups = _groups(folder, [files[i].path for i in own], pattern) if pattern else None
            more = np.stack([again[i] for i in own]) if again and part == "train" else None
            found.append(
                Samples(part, np.stack([rows[i] for i in own]), [files[i].name for i in own], groups, more)
            )
    return found, sha.hexdigest()


def sample_reader(
    where: Path, kind: str, settings: DataSettings, encoding: Encoding, timesteps: int
) -> Callable[[Path, bytes], np.ndarray]:
    """How a file becomes a sample; raises TwinspikeError where files and encoding do not suit each other."""
    takes = _takes(type(encoding))
    if takes != kind:
        raise TwinspikeError(
            f"{where}: holds {_PLURAL[kind]}, but encoder.kind = {encoding.kind!r} takes {_PLURAL[takes]}"
        )
    if kind == "image":
        images.check_size(settings)
        return lambda path, data: images.read_image(path, data, settings)
    assert isinstance(encoding, Timed)
    timed = encoding
    return lambda path, data: timed.frame(read_recording(path, data), timesteps)


_PLURAL = {
    "image": "images",
    "events": "recordings of events",
    "sound": "sounds",
    "packets": "captures",
    "spikes": "spikes in an .npz file",
}


def _takes(encoding: type[Encoding]) -> str:
    return encoding.reads if issubclass(encoding, Timed) else "image"


def _visible(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise TwinspikeError(f"data.group = {text!r} is no regular expression ({error})") from None


def _groups(folder: Path, paths: list[Path], pattern: re.Pattern[str]) -> np.ndarray:
    """What `data.group` finds in each file's name: its first bracketed part, or all of what it matches."""
    found = []
    for path in paths:
        match = pattern.search(path.relative_to(folder).as_posix())
        if match is None:
            raise TwinspikeError(f"{path}: data.group = {pattern.pattern!r} finds nothing in this name")
        found.append(match.group(1) if pattern.groups else match.group(0))
    return np.array(found)


def sides(sample: np.ndarray) -> str:
    """A sample's shape in words, height first."""
    return " x ".join(str(side) for side in sample.shape)
