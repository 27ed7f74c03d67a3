"""Omniglot: handwritten characters of 50 alphabets, 20 drawings each (Lake, Salakhutdinov, Tenenbaum, 2015).

The background alphabets are for training; the evaluation alphabets' characters are new to the
network. Drawings are cut to their ink, scaled to 22 pixels and centred in 28 x 28, as MNIST's digits are.
"""

import dataclasses
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ...numerics.errors import TwinspikeError

SIZE, INK_SIZE = 28, 22
DRAWINGS = 20
RUNS = 20  # of the one-shot task
# SHA-256 of all entries' names and drawings, whatever the archive's compression.
_CONTENT = {
    "images_background.zip": "4292eadfe465ca17bdb21d62b7e26b949775418be9f8e3ba753b52cd6149ce94",
    "images_evaluation.zip": "2eabde80012ba9fcbb006d71d7d0ed1ec59fd7a79e34a3dcc439354399872139",
    "all_runs.zip": "010fabc8a84aa99ce78a5b012f6b1b627583dd74faf7de9fdb354bb90147d5c3",
}
_HOME = "github.com/brendenlake/omniglot, folder python"
# A drawing is 105 x 105 pixels, 1 bit: far more is no drawing of Omniglot.
_MAX_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True, eq=False)
class Characters:
    """Drawings uint8 [N, 28, 28], ink bright; character int64 [N], alphabet by alphabet; drawing int64
    [N], 0 to 19, each by another person; `alphabets`: the name of each character's alphabet."""

    images: np.ndarray
    character: np.ndarray
    drawing: np.ndarray
    alphabets: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class OneShotRun:
    """20 characters of one alphabet: a known drawing of each, 20 drawings to name, and the right answers.

    `known`, `asked`: uint8 [20, 28, 28]; `answer` int64 [20]: which of the known ones each shows.
    """

    known: np.ndarray
    asked: np.ndarray
    answer: np.ndarray


def load_characters(folder: Path, part: str) -> Characters:
    """The `background` or the `evaluation` characters; raises TwinspikeError for a missing or bad archive."""
    entries = {n: d for n, d in _drawings(folder / f"images_{part}.zip") if n.endswith(".png")}
    names = sorted(entries)
    places = [tuple(name.split("/")[1:3]) for name in names]
    distinct = sorted(set(places))
    index = {place: i for i, place in enumerate(distinct)}
    return Characters(
        images=np.stack([entries[name] for name in names]),
        character=np.array([index[place] for place in places], dtype=np.int64),
        drawing=np.array([int(name[-6:-4]) - 1 for name in names], dtype=np.int64),
        alphabets=tuple(alphabet for alphabet, _ in distinct),
    )


def load_one_shot_runs(folder: Path) -> list[OneShotRun]:
    """The 20 runs of the standard task, 20 characters each; raises TwinspikeError."""
    path = folder / "all_runs.zip"
    drawings = dict(_drawings(path))
    with zipfile.ZipFile(path) as archive:
        tables = [archive.read(f"run{run:02d}/class_labels.txt").decode() for run in range(1, RUNS + 1)]
    runs = []
    for table in tables:
        pairs = [line.split() for line in table.splitlines() if line.strip()]
        known = sorted({right for _, right in pairs})
        runs.append(
            OneShotRun(
                known=np.stack([drawings[name] for name in known]),
                asked=np.stack([drawings[name] for name, _ in pairs]),
                answer=np.array([known.index(right) for _, right in pairs], dtype=np.int64),
            )
        )
    return runs


def _drawings(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(name, uint8 [28, 28]) of every drawing of an archive whose content is what it should be."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(path) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                if not info.filename.endswith((".png", ".txt")):
                    continue
                if info.file_size > _MAX_BYTES:
                    raise TwinspikeError(f"{path}: {info.filename} is too large to be part of Omniglot")
                data = archive.read(info)
                if info.filename.endswith(".png"):
                    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
                    data = np.packbits(pixels < 128).tobytes()
                    yield info.filename, centred(pixels < 128)
                digest.update(info.filename.encode() + b"\0" + data)
    except FileNotFoundError:
        raise TwinspikeError(f"{path}: the file is missing: put it there (from {_HOME})") from None
    except (OSError, zipfile.BadZipFile, SyntaxError) as error:
        raise TwinspikeError(f"{path}: cannot be read ({error}): put a sound copy there") from None
    if digest.hexdigest() != _CONTENT[path.name]:
        raise TwinspikeError(
            f"{path}: its content's SHA-256 is {digest.hexdigest()[:12]}..., expected "
            f"{_CONTENT[path.name][:12]}...: put a sound copy there (from {_HOME})"
        )


def checksums(part: str) -> dict[str, str]:
    """What provenance says of the data: the content's SHA-256."""
    name = f"images_{part}.zip"
    return {name: _CONTENT[name]}


def centred(ink: np.ndarray) -> np.ndarray:
    """Ink bool [H, W] cut to its bounding box, its longer side scaled to 22, centred: uint8 [28, 28]."""
    if not ink.any():
        return np.zeros((SIZE, SIZE), dtype=np.uint8)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = INK_SIZE / max(box.shape)
    height, width = (max(1, round(side * factor)) for side in box.shape)
    small = Image.fromarray(box.astype(np.uint8) * 255).resize((width, height), Image.Resampling.BOX)
    image = np.zeros((SIZE, SIZE), dtype=np.uint8)
    top, left = (SIZE - height) // 2, (SIZE - width) // 2
    image[top : top + height, left : left + width] = np.asarray(small)
    return image
