"""Where the files of named datasets lie."""

import os
from pathlib import Path

import platformdirs

DATA_VARIABLE = "TWINSPIKE_DATA"


def data_folder(folder: str) -> tuple[Path, bool]:
    """Where a dataset's files are, and whether that is our own cache, which downloads may fill."""
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen) / folder, False
    return cache_folder() / "data" / folder, True


def cache_folder() -> Path:
    """The user's folder for what can be had again."""
    return platformdirs.user_cache_path("twinspike")
