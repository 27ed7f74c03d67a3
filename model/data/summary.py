"""What files of one's own hold, before anything is decided about them: for a first look."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np

from ...numerics.errors import TwinspikeError
from ...numerics.files import read_limited
from ...numerics.progress import Bar
from ...numerics.recordings import EventRecording, Flow, Recording, Sound
from .arrays import read_csv, read_npz
from .folders import SampleFile, files_of, sides
from .images import bright_ground, read_image
from .readers import read_recording
from .readers.kinds import MAX_FILE_BYTES
from .samples import checked_classes, class_order
from .settings import DataSettings

SHOWN_PER_CLASS = 6
SHOWN_SIZES = 3


@dataclasses.dataclass(frozen=True)
class Summary:
    """`lines`: what there is, in words. `shown`: for each class a few samples, as arrays or as files."""

    lines: list[str]
    kind: str
    shown: dict[str, list[np.ndarray | Path]]


def summary(path: Path) -> Summary:
    """Parts, classes and sizes of a folder, an .npz or a .csv file.

    Raises TwinspikeError for a file that cannot be read and for classes that training refuses.
    """
    if path.is_dir():
        return _of_folder(path)
    read = {".npz": read_npz, ".csv": read_csv}.get(path.suffix.lower())
    if read is None:
        raise TwinspikeError(f"{path}: expected a folder, an .npz or a .csv file")
    parts = read(path, DataSettings())
    counts = {samples.part: Counter(samples.names) for samples in parts}
    checked_classes(path, {part: set(own) for part, own in counts.items()})
    first = parts[0]
    lines = [f"{path}: samples of {list(first.x.shape[1:])}, values {first.x.min()} to {first.x.max()}"]
    shown: dict[str, list[np.ndarray | Path]] = {}
    for name in class_order(set(first.names)):
        own = [i for i, found in enumerate(first.names) if found == name]
        shown[name] = [first.x[i] for i in own[:SHOWN_PER_CLASS]]
    return Summary(lines + balance(counts), "array", shown)


def _of_folder(folder: Path) -> Summary:
    files, others = files_of(folder)
    counts: dict[str, Counter[str]] = {}
    for file in files:
        counts.setdefault(file.part, Counter())[file.name] += 1
    kind = files[0].kind
    endings = Counter(file.path.suffix.lower() for file in files)
    found = ", ".join(f"{n} {ending}" for ending, n in endings.most_common())
    lines = [f"{folder}: {found}", *balance(counts)]
    checked_classes(folder, {part: set(own) for part, own in counts.items()})
    lines += _read_all(files, kind)
    if others:
        lines.append(f"{len(others)} other files are left out, {others[0].relative_to(folder)} the first")
    shown: dict[str, list[np.ndarray | Path]] = {}
    for name in class_order({file.name for file in files}):
        shown[name] = [file.path for file in _of_class(files, name)[:SHOWN_PER_CLASS]]
    return Summary(lines, kind, shown)


def _read_all(files: list[SampleFile], kind: str) -> list[str]:
    """Read every sample as training does; returns lines about images that it needs settings for.

    Raises TwinspikeError for a file that cannot be read.
    """
    sizes: dict[str, str] = {}
    medians: list[float] = []
    for file in Bar(files, desc="reading", unit="file", leave=False):
        data = read_limited(file.path, MAX_FILE_BYTES, "a sample")
        if kind != "image":
            read_recording(file.path, data)
            continue
        pixels = read_image(file.path, data, DataSettings())
        sizes.setdefault(sides(pixels), file.path.name)
        medians.append(float(np.median(pixels)))
    lines = []
    if len(sizes) > 1:
        some = ", ".join(f"{size} ({name})" for size, name in list(sizes.items())[:SHOWN_SIZES])
        lines.append(f"{len(sizes)} sizes, {some}: data.size = [height, width], data.channels make them one")
    if medians and (hint := bright_ground(medians)):
        lines.append(hint)
    return lines


def _of_class(files: list[SampleFile], name: str) -> list[SampleFile]:
    return [file for file in files if file.name == name]


def balance(counts: dict[str, Counter[str]]) -> list[str]:
    """A line for each part: how many samples, of how many classes, the fewest and the most a class."""
    lines = []
    for part, found in counts.items():
        least, most = min(found, key=found.__getitem__), max(found, key=found.__getitem__)
        spread = (
            f"{found[least]} each"
            if found[least] == found[most]
            else f"from {found[least]} ({least}) to {found[most]} ({most})"
        )
        lines.append(f"{part}: {found.total()} samples of {len(found)} classes, {spread}")
    if "test" not in counts:
        lines.append("no test part: data.test of each class will measure, 0.2 unless you say otherwise")
    return lines


def recording_lines(path: Path, recording: Recording) -> list[str]:
    """What one recording holds."""
    seconds = recording.duration / 1_000_000
    if isinstance(recording, EventRecording):
        sides = f"{recording.width} x {recording.height} pixels"
        share = f"{recording.on.mean():.0%} brighter"
        return [f"{path}: {len(recording):,} events in {seconds:.3f} s, {sides}, {share}"]
    if isinstance(recording, Sound):
        loud = np.abs(recording.samples).max()
        return [f"{path}: {seconds:.3f} s at {recording.rate:,} samples a second, loudest {loud:.2f} of 1"]
    assert isinstance(recording, Flow)
    there = int(recording.size[recording.size > 0].sum())
    back = -int(recording.size[recording.size < 0].sum())
    return [f"{path}: {len(recording):,} packets in {seconds:.3f} s, {there:,} bytes there, {back:,} back"]
