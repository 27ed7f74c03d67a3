"""The arrays of an `.npz` file, read with bounds on what it may hold."""

import io
import zipfile
from pathlib import Path

import numpy as np

from ...numerics.errors import TwinspikeError
from ...numerics.files import read_limited


def read_arrays(path: Path, most: int) -> dict[str, np.ndarray]:
    """All arrays by name; raises TwinspikeError.

    The file, and what it unpacks to, have `most` bytes at most.
    """
    try:
        data = io.BytesIO(read_limited(path, most, "an .npz file"))
        with zipfile.ZipFile(data) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > most:
            raise TwinspikeError(f"{path}: {size} bytes of arrays: allowed are at most {most}")
        with np.load(data, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise TwinspikeError(
            f"{path}: is not a sound .npz file ({error}): write it with numpy.savez"
        ) from None
