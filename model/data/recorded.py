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
from typing import Any, NamedTuple

import numpy as np

from ...numerics.encodings import Encoding, Timed
from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.files import write_atomically
from ...numerics.progress import Bar
from ...numerics.recordings import Flow, Recording
from .dataset import Dataset
from .downloads import file_sha256
from .entry import Entry
from .folder import DATA_VARIABLE, cache_folder, data_folder
from .iscx import iscx
from .own import assembled
from .readers.five_bytes import read_five_bytes
from .samples import Samples
from .settings import DataSettings

# Of what is kept: another number where a reader or an encoding comes to mean something else.
CACHE_VERSION = 2


class Source(NamedTuple):
    """A dataset: what is recorded, its folder and files, and what it holds for a fold (0, 1, ...).

    A file with a star in its name stands for all that match, however deep they lie.
    """

    reads: str
    folder: str
    files: tuple[str, ...]
    entries: Callable[[list[Path], int], Iterator[Entry]]
    folds: int = 1


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
    """FSDD: English digits of six speakers, one of whom measures."""
    with zipfile.ZipFile(paths[0]) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".wav"))
        speakers = sorted({name.split("_")[1] for name in names})
        for name in names:
            digit, speaker = Path(name).stem.split("_")[:2]
            part = "test" if speaker == speakers[fold] else "train"
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
    "spoken-digits": Source("sound", "fsdd", ("recordings.zip",), _spoken_digits, folds=6),
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
    for path in paths:
        if not path.is_file():
            raise TwinspikeError(
                f"{path}: the file is missing: put it there, or name the data's folder in {DATA_VARIABLE}"
            )
    return paths


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
    if settings.fold >= source.folds:
        raise out_of_range("data.fold", settings.fold, f"0..{source.folds - 1} for {name}")
    paths = recorded_files(name)
    checksums = {path.name: file_sha256(path) for path in paths}
    parts = _samples(name, source, settings.fold, paths, checksums, (encoding, timesteps), progress)
    return replace(assembled(Path(name), parts, settings, ""), checksums=checksums)


def _samples(
    name: str,
    source: Source,
    fold: int,
    paths: list[Path],
    checksums: dict[str, str],
    how: tuple[Timed, int],
    progress: bool,
) -> list[Samples]:
    encoding, timesteps = how
    known = json.dumps([name, fold, checksums, encoding.table(), timesteps, CACHE_VERSION], sort_keys=True)
    kept = cache_folder() / "samples" / f"{name}-{hashlib.sha256(known.encode()).hexdigest()[:16]}.npz"
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as file:
            parts = sorted({key.split("_")[0] for key in file.files})
            return [
                Samples(
                    part, file[f"{part}_x"], file[f"{part}_names"].tolist(), _groups(file[f"{part}_groups"])
                )
                for part in parts
            ]
    rows: dict[str, tuple[list[np.ndarray], list[str], list[str]]] = {}
    entries = source.entries(paths, fold)
    for entry in Bar(entries, desc=f"reading {name}", unit="recording", disable=not progress):
        x, names, groups = rows.setdefault(entry.part, ([], [], []))
        x.append(encoding.frame(entry.read(), timesteps))
        names.append(entry.name)
        groups.append(entry.group)
    found: list[Samples] = []
    arrays: dict[str, Any] = {}
    for part, (x, names, groups) in rows.items():
        found.append(Samples(part, np.stack(x), names, _groups(np.array(groups))))
        arrays |= {f"{part}_x": found[-1].x, f"{part}_names": np.array(names)}
        arrays[f"{part}_groups"] = np.array(groups)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    write_atomically(kept, packed.getvalue())
    return found


def _groups(names: np.ndarray) -> np.ndarray | None:
    """Whom each recording comes from; None where nobody is named."""
    return names if names.any() else None
