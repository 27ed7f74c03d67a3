"""`.nir` files (HDF5) as plain dictionaries; a file is checked before anything of its size is allocated.

A graph is what `nir.NIRGraph.to_dict` gives: `nodes` (name -> {`type`, parameters as arrays}),
`edges` (pairs of names) and, where a tool left some, `metadata`. The nir package's own reader loads
every data set that a file declares, follows links, and builds node objects that fail with assertions.
"""

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..numerics.errors import TwinspikeError
from ..numerics.files import read_limited

# Far beyond any network that the core targets.
MAX_FILE_BYTES = 1 << 28
MAX_OBJECTS = 4096
MAX_DEPTH = 16
MAX_TEXT = 1 << 20
# What the HDF5 library raises for damaged files.
_DAMAGED = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    MemoryError,
    NotImplementedError,
)


def read_graph(path: Path) -> dict[str, Any]:
    """The graph in a `.nir` file.

    Raises TwinspikeError, one line, for a file that cannot be read, is damaged, refers outside itself,
    or declares more than MAX_FILE_BYTES of values, MAX_OBJECTS groups and values or MAX_DEPTH levels.
    """
    path = Path(path)
    try:
        with h5py.File(io.BytesIO(read_limited(path, MAX_FILE_BYTES, "a NIR file")), "r") as file:
            node = file.get("node")
            if not isinstance(node, h5py.Group):
                raise TwinspikeError(f"{path}: group 'node' is missing: write the file with nir.write")
            return _Reader(path).group(node, 0)
    except TwinspikeError:
        raise
    except _DAMAGED as error:
        raise TwinspikeError(f"{path}: is not a sound NIR file ({error}); export it again") from None


class _Reader:
    """Walks one file, keeping account of what it was asked to load."""

    def __init__(self, path: Path):
        self.path = path
        self.objects, self.bytes = MAX_OBJECTS, MAX_FILE_BYTES

    def refuse(self, where: str, what: str) -> TwinspikeError:
        return TwinspikeError(f"{self.path}: {where}: {what}; export the network again")

    def group(self, group: h5py.Group, depth: int) -> dict[str, Any]:
        self.objects -= len(group)
        if self.objects < 0:
            raise self.refuse(group.name, f"more than {MAX_OBJECTS} groups and values are not allowed")
        if depth > MAX_DEPTH:
            raise self.refuse(group.name, f"groups nest deeper than {MAX_DEPTH} levels")
        found: dict[str, Any] = {}
        for key in group:
            where = f"{group.name}/{key}"
            # Soft and external links lead out of the file or in circles.
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise self.refuse(where, "links are not allowed")
            item = group[key]
            if isinstance(item, h5py.Group):
                found[key] = self.group(item, depth + 1)
            elif isinstance(item, h5py.Dataset):
                found[key] = self.value(item, where)
            else:
                raise self.refuse(where, "is neither a group nor a value")
        return found

    def value(self, data: h5py.Dataset, where: str) -> Any:
        if data.shape is None or data.is_virtual or data.external:
            raise self.refuse(where, "empty, virtual and external values are not allowed")
        if h5py.check_string_dtype(data.dtype) or data.dtype.kind == "S":
            return self.text(data, where)
        if data.dtype.kind not in "fiub" or data.dtype.itemsize > 8:
            raise self.refuse(where, f"values of type {data.dtype} are not allowed: expected numbers or text")
        # A chunk is loaded whole, however little of it is used.
        for shape in (data.shape, data.chunks or ()):
            need = data.dtype.itemsize
            for length in shape:
                need *= int(length)
            self.bytes -= need
        if self.bytes < 0:
            raise self.refuse(where, f"more than {MAX_FILE_BYTES} bytes of values are not allowed")
        return np.asarray(data[()])

    def text(self, data: h5py.Dataset, where: str) -> Any:
        self.objects -= data.size
        if self.objects < 0:
            raise self.refuse(where, f"more than {MAX_OBJECTS} texts are not allowed")
        # One at a time: elements of variable length may all refer to one enormous text.
        texts = [self.one_text(data[index], where) for index in np.ndindex(data.shape)]
        return texts[0] if data.shape == () else np.array(texts, dtype=object).reshape(data.shape)

    def one_text(self, value: Any, where: str) -> str:
        if len(value) > MAX_TEXT:
            raise self.refuse(where, f"a text of {len(value)} characters: allowed are at most {MAX_TEXT}")
        self.bytes -= len(value)
        if self.bytes < 0:
            raise self.refuse(where, f"more than {MAX_FILE_BYTES} bytes of values are not allowed")
        return value.decode("utf-8") if isinstance(value, bytes) else str(value)
