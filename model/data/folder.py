"""Where the files of named datasets lie."""

import os
from pathlib import Path

import platformdirs

from ...numerics.errors import TwinspikeError

DATA_VARIABLE = "TWINSPIKE_DATA"


def data_folder(folder: str) -> tuple[Path, bool]:
    """Where a dataset's files are, and whether that is our own cache, which downloads may fill."""
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen) / folder, False
    return cache_folder() / "data" / folder, True


def present(path: Path) -> Path:
    """`path`; raises TwinspikeError if it is no file."""
    if not path.is_file():
        raise TwinspikeError(
            f"{path}: the file is missing: put it there, or name the data's folder in {DATA_VARIABLE}"
        )
    return path


def cache_folder() -> Path:
    """The user's folder for what can be had again."""
    return platformdirs.user_cache_path("twinspike")
