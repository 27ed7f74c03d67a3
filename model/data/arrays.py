"""Datasets in one file of arrays: `.npz`, and rows of features in `.csv`."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np

from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.files import read_limited
from .samples import Samples
from .settings import DataSettings

MAX_FILE_BYTES = 1 << 32
_ARRAYS = ("x", "y", "x_test", "y_test", "x_val", "y_val", "group", "class_names")


def read_npz(path: Path, settings: DataSettings) -> list[Samples]:
    """The parts of an `.npz` file: `x` and `y`, optionally `x_test`, `y_test`, `x_val`, `y_val`.

    Samples are uint8 images or spikes of 0 and 1 (uint8 or bool) [N, T, *map]. `group` [N]: what must not
    lie in two parts. `class_names`: text, label 0 first; labels may be text themselves. Raises
    TwinspikeError.
    """
    arrays = _load(path)
    for name in arrays:
        if name not in _ARRAYS:
            raise TwinspikeError(f"{path}: array {name!r} is unknown: allowed are {', '.join(_ARRAYS)}")
    for name in ("x", "y"):
        if name not in arrays:
            raise TwinspikeError(f"{path}: array {name!r} is missing: x holds samples [N, ...], y labels [N]")
    group = settings.group or ("group" if "group" in arrays else "")
    if group and group not in arrays:
        raise TwinspikeError(f"{path}: data.group = {group!r}: there is no such array")
    given = [str(name) for name in arrays.get("class_names", ())]
    parts = []
    for part, x, y in (("train", "x", "y"), ("test", "x_test", "y_test"), ("val", "x_val", "y_val")):
        if x not in arrays:
            continue
        samples, labels = arrays[x], arrays.get(y)
        if samples.dtype == bool:
            samples = samples.astype(np.uint8)
        if samples.dtype != np.uint8 or samples.ndim < 2 or not len(samples):
            found = f"{samples.dtype} {list(samples.shape)}"
            raise out_of_range(f"{path}: {x}", found, "uint8 [N, ...], pixels 0..255 or spikes of 0 and 1")
        if labels is None or labels.shape != samples.shape[:1]:
            found = "nothing" if labels is None else f"{labels.dtype} {list(labels.shape)}"
            raise out_of_range(f"{path}: {y}", found, f"labels [{len(samples)}]")
        groups = arrays[group] if group and part == "train" else None
        if groups is not None and groups.shape != labels.shape:
            raise out_of_range(f"{path}: {group}", list(groups.shape), f"one value a sample [{len(labels)}]")
        parts.append(Samples(part, samples, _names_of(labels, given, f"{path}: {y}"), groups))
    return parts


def read_csv(path: Path, settings: DataSettings) -> list[Samples]:
    """A table of numbers with a line of column names; each column becomes 0..255 between its extremes.

    The label's column holds numbers or text. Raises TwinspikeError naming line and column.
    """
    text = read_limited(path, MAX_FILE_BYTES, "a .csv file").decode("utf-8-sig", errors="replace")
    rows = list(csv.reader(io.StringIO(text)))
    if len(rows) < 3:
        raise TwinspikeError(f"{path}: {len(rows)} lines: expected a line of column names and 2 rows or more")
    names = [name.strip() for name in rows[0]]
    label = settings.label or names[-1]
    left_out = {name: _column(path, names, name) for name in (label, settings.group) if name}
    columns = [i for i in range(len(names)) if i not in left_out.values()]
    values = np.empty((len(rows) - 1, len(columns)))
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise TwinspikeError(f"{path}, line {line}: {len(row)} values, expected {len(names)}")
        for place, column in enumerate(columns):
            try:
                values[line - 2, place] = float(row[column])
            except ValueError:
                raise out_of_range(f"{path}, line {line}: {names[column]}", row[column], "a number") from None
    if not np.isfinite(values).all():
        y, x = (int(i[0]) for i in np.nonzero(~np.isfinite(values)))
        raise out_of_range(f"{path}, line {y + 2}: {names[columns[x]]}", values[y, x], "a finite number")
    low, high = values.min(0), values.max(0)
    scaled = (values - low) / np.where(high > low, high - low, 1) * 255
    labels = np.array([row[left_out[label]].strip() for row in rows[1:]])
    group = settings.group
    groups = np.array([row[left_out[group]].strip() for row in rows[1:]]) if group else None
    return [Samples("train", np.round(scaled).astype(np.uint8), [str(name) for name in labels], groups)]


def _column(path: Path, names: list[str], name: str) -> int:
    if name not in names:
        raise TwinspikeError(f"{path}: there is no column {name!r}: it has {', '.join(names)}")
    return names.index(name)


def _names_of(labels: np.ndarray, given: list[str], where: str) -> list[str]:
    """Labels as text: their own, or that which `class_names` gives to label 0, 1, ..."""
    if labels.dtype.kind in "US":
        return [str(label) for label in labels]
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 0xFFFF:
        raise out_of_range(where, f"{labels.dtype}", "integers in 0..65535 or text")
    if given and labels.max() >= len(given):
        raise out_of_range(where, int(labels.max()), f"a label that class_names names, 0..{len(given) - 1}")
    return [given[label] if given else str(label) for label in labels.tolist()]


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_FILE_BYTES:
            raise TwinspikeError(f"{path}: {size} bytes of arrays: allowed are at most {MAX_FILE_BYTES}")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise TwinspikeError(f"{path}: is no sound .npz file ({error}): write it with numpy.savez") from None
