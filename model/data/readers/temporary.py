"""Bytes as a file, for libraries that read nothing else."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def as_file(path: Path, data: bytes) -> Iterator[Path]:
    """`path` itself if it holds `data`, else a temporary file of the same ending that does."""
    if path.suffix.lower() != ".xz" and path.is_file() and path.stat().st_size == len(data):
        yield path
        return
    name = Path(path.name.removesuffix(".xz"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"recording{name.suffix.lower()}"
        file.write_bytes(data)
        yield file
