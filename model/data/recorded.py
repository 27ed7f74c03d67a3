"""Named datasets of recordings: events, sounds and packets, which a configuration's encoder makes samples of.

Their files lie in $TWINSPIKE_DATA/<folder>, as their publishers name them; none is downloaded.
"""

import csv
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...numerics.encodings import Encoding, Timed
from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.files import write_atomically
from ...numerics.progress import Bar
from ...numerics.recordings import Flow, Recording
from .dataset import Dataset
from .downloads import file_sha256
from .entry import Entry
from .folder import cache_folder, data_folder, present
from .heard import check_heard_again, further, heard_again
from .iscx import iscx
from .own import assembled
from .readers.five_bytes import read_five_bytes
from .samples import Samples
from .settings import DataSettings

# Of what is kept: another number where a reader or an encoding comes to mean something else.
CACHE_VERSION = 3


class Source(NamedTuple):
    """A dataset: what is recorded, its folder and files, and what it holds for a fold (0, 1, ...).

    Figures are means over its `folds`; behind those come `further` splits of other kinds. A file with a star
    in its name stands for all that match, however deep they lie.
    """

    reads: str
    folder: str
    files: tuple[str, ...]
    entries: Callable[[list[Path], int], Iterator[Entry]]
    folds: int = 1
    further: int = 0

    @property
    def splits(self) -> int:
        """How many values `data.fold` may have."""
        return self.folds + self.further


def _nmnist(paths: list[Path], fold: int) -> Iterator[Entry]:
    """The excerpt of SLAYER's authors: 1,000 recordings to train, 100 to measure, of three saccades each."""
    path = paths[0]
    with zipfile.ZipFile(path) as archive:
        names = {Path(name).name: name for name in archive.namelist()}
        for part, table in (("train", "train1K.txt"), ("test", "test100.txt")):
            for line in archive.read(names[table]).decode().splitlines()[1:]:
                number, label = line.split()
                data = archive.read(names[f"{number}.bs2"])
                yield Entry(part, label, partial(read_five_bytes, path / f"{number}.bs2", data))


def _keywords(paths: list[Path], fold: int) -> Iterator[Entry]:
    """Ten Arabic words, split as published: no speaker is in two parts."""
    archive, *tables = paths
    parts = {}
    for part, table in zip(("train", "val", "test"), tables, strict=True):
        with table.open(newline="") as file:
            parts.update({row["file"]: (part, row["class"]) for row in csv.DictReader(file)})
    with tarfile.open(archive, "r:xz") as packed:
        for member in packed:
            if member.name in parts:
                data = packed.extractfile(member).read()  # type: ignore[union-attr]
                yield Entry(*parts[member.name], _sound(archive / member.name, data))


def _spoken_digits(paths: list[Path], fold: int) -> Iterator[Entry]:
    """FSDD: English digits of six speakers, one of whom measures; behind those folds, its published split.

    That one measures on recordings 0 to 4 of each digit and speaker (the README of FSDD).
    """
    with zipfile.ZipFile(paths[0]) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".wav"))
        speakers = sorted({name.split("_")[1] for name in names})
        for name in names:
            digit, speaker, number = Path(name).stem.split("_")
            measures = int(number) < 5 if fold == len(speakers) else speaker == speakers[fold]
            part = "test" if measures else "train"
            yield Entry(part, digit, _sound(paths[0] / name, archive.read(name)), speaker)


def _traffic_sites(paths: list[Path], fold: int) -> Iterator[Entry]:
    """79 web sites through a tunnel: loads 1 to 3 train, load 4 measures, load 0 (cold) is left out."""
    table = np.load(paths[0])
    for label, trace, flow in zip(table["site"], table["trace"], _flows(table), strict=True):
        if trace > 0:
            yield Entry("test" if trace == 4 else "train", str(label), partial(_same, flow))


def _traffic_devices(paths: list[Path], fold: int) -> Iterator[Entry]:
    """Set-ups of 31 home devices: every third capture of a device measures."""
    table = np.load(paths[0])
    seen: dict[str, int] = {}
    for label, flow in zip(table["device"], _flows(table), strict=True):
        number = seen[str(label)] = seen.get(str(label), -1) + 1
        yield Entry("test" if number % 3 == 2 else "train", str(label), partial(_same, flow))


def _flows(table) -> Iterator[Flow]:
    for first, end in zip(table["ptr"][:-1], table["ptr"][1:], strict=True):
        yield Flow(table["time_us"][first:end], table["size"][first:end])


def _same(recording: Recording) -> Recording:
    return recording


def _sound(path: Path, data: bytes) -> Callable[[], Recording]:
    from .readers.sound import read_sound  # deferred: needs a library

    return partial(read_sound, path, data)


RECORDED = {
    "nmnist": Source("events", "n-mnist", ("NMNISTsmall.zip",), _nmnist),
    "keywords": Source(
        "sound",
        "arabic-speech-commands",
        ("recordings.tar.xz", "train.csv", "val.csv", "test.csv"),
        _keywords,
    ),
    "spoken-digits": Source("sound", "fsdd", ("recordings.zip",), _spoken_digits, folds=6, further=1),
    "traffic-sites": Source("packets", "traffic", ("trafficleak.npz",), _traffic_sites),
    "traffic-devices": Source("packets", "traffic", ("iot_sentinel.npz",), _traffic_devices),
    "iscx": Source("packets", "iscx", ("*.pcap*",), iscx),
}


def recorded_files(name: str) -> list[Path]:
    """Where the files of the dataset of that name lie; raises TwinspikeError for one that is missing."""
    source = RECORDED[name]
    folder, _ = data_folder(source.folder)
    paths = []
    for file in source.files:
        found = sorted(folder.rglob(file)) if "*" in file else []
        paths += found or [folder / file]
    return [present(path) for path in paths]


def recorded_entries(name: str, fold: int = 0) -> Iterator[Entry]:
    """The recordings of the dataset of that name, each in the part that `fold` gives it."""
    return RECORDED[name].entries(recorded_files(name), fold)


def load_recorded(
    name: str, settings: DataSettings, encoding: Encoding, timesteps: int, *, progress: bool = True
) -> Dataset:
    """The dataset of that name, its recordings as the encoding makes samples of them.

    Samples are kept in the user's cache folder: unpacking and filtering sound takes much longer than reading
    them again. Raises TwinspikeError for files that are missing and an encoding of something else.
    """
    source = RECORDED[name]
    if not isinstance(encoding, Timed) or encoding.reads != source.reads:
        raise TwinspikeError(
            f"dataset {name} holds {source.reads}: choose an encoder.kind for that, not {encoding.kind!r}"
        )
    if settings.fold >= source.splits:
        raise out_of_range("data.fold", settings.fold, f"0..{source.splits - 1} for {name}")
    paths = recorded_files(name)
    checksums = {path.name: file_sha256(path) for path in paths}
    check_heard_again(settings, name, source.reads, sound=source.reads == "sound")
    kept = _kept_samples(name, source, paths, checksums, encoding, timesteps, settings, progress)
    parts = _parts(kept, settings.fold)
    return replace(assembled(Path(name), parts, settings, ""), checksums=checksums)


def _kept_samples(
    name: str,
    source: Source,
    paths: list[Path],
    checksums: dict[str, str],
    encoding: Timed,
    timesteps: int,
    settings: DataSettings,
    progress: bool,
) -> Path:
    """The file with the samples of all recordings, which is made if there is none.

    Arrays: x [N, *shape], again [N, V, *shape], names [N], groups [N], parts [folds, N].
    """
    parts_too = [source.splits] if source.splits > 1 else []
    variants = [f"{settings.variants} variants"] if settings.variants else []
    known = json.dumps(
        [name, checksums, encoding.table(), timesteps, settings.speeds, CACHE_VERSION, *parts_too, *variants],
        sort_keys=True,
    )
    kept = cache_folder() / "samples" / f"{name}-{hashlib.sha256(known.encode()).hexdigest()[:16]}.npz"
    if kept.is_file():
        return kept
    x, again, names, groups, parts = [], [], [], [], []
    for entry in Bar(
        source.entries(paths, 0), desc=f"reading {name}", unit="recording", disable=not progress
    ):
        recording = entry.read()
        x.append(encoding.frame(recording, timesteps))
        if heard_again(settings):
            again.append(further(recording, len(x) - 1, settings, encoding, timesteps))
        names.append(entry.name)
        groups.append(entry.group)
        parts.append(entry.part)
    others = [[entry.part for entry in source.entries(paths, fold)] for fold in range(1, source.splits)]
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        x=np.stack(x),
        again=np.array(again, np.uint8),
        names=np.array(names),
        groups=np.array(groups),
        parts=np.array([parts, *others]),
    )
    write_atomically(kept, packed.getvalue())
    return kept


def _parts(kept: Path, fold: int) -> list[Samples]:
    """The samples of each part, as they are split in that fold."""
    with np.load(kept, allow_pickle=False) as file:
        x, again, names, groups, parts = (file[key] for key in ("x", "again", "names", "groups", "parts"))
    found = []
    for part in np.unique(parts[fold]).tolist():
        own = parts[fold] == part
        more = again[own] if len(again) and part == "train" else None
        found.append(Samples(part, x[own], names[own].tolist(), _groups(groups[own]), more))
    return found


def _groups(names: np.ndarray) -> np.ndarray | None:
    """Whom each recording comes from; None where nobody is named."""
    return names if names.any() else None
