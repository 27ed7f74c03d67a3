"""Results and files of runs, kept by content on a path, or on any file system that fsspec knows.

A run's folder is named by its key. ``row.json`` in it is the result and is written last, so a run that has
one is finished; what lies there beside it is how far an unfinished one has come.
"""

import contextlib
import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.extras import require
from twinspike.numerics.files import write_json
from twinspike.numerics.locks import alone_with

ROW_FILE = "row.json"
# Seconds between two uploads of a run that is under way.
UPLOAD_EVERY = 30.0


@dataclasses.dataclass
class Workplace:
    """Where a run works: `folder` holds what an earlier try of it left. `store` keeps its files.

    On a path that is the store's own folder. Elsewhere the folder is a copy, and :meth:`save` sends back
    what has changed; called as an `on_step` of a training it does so now and then.
    """

    store: "Store"
    key: str
    folder: Path
    copied: bool = False
    _sent: dict[str, int] = dataclasses.field(default_factory=dict)
    _last: float = dataclasses.field(default_factory=time.monotonic)

    def __call__(self, epoch: int = 0, step: int = 0) -> None:
        if self.copied and time.monotonic() - self._last > UPLOAD_EVERY:
            self.save()

    def save(self) -> None:
        """Bring the store's copy of the folder up to date."""
        if self.copied:
            self.store.upload(self.key, self.folder, self._sent)
            self._last = time.monotonic()


@dataclasses.dataclass(frozen=True)
class Store:
    """A root below which runs are kept: a path, or a URL such as s3://bucket/runs (extra `cluster`)."""

    root: str

    @classmethod
    def at(cls, where: str | Path) -> "Store":
        """The store at a path, made absolute for processes that work elsewhere, or at an fsspec URL."""
        text = str(where)
        if "://" not in text:
            return cls(str(Path(text).expanduser().absolute()))
        require("fsspec")
        store = cls(text.rstrip("/"))
        store._remote()  # refuses a protocol that is not known before hours of work
        return store

    @property
    def is_path(self) -> bool:
        return "://" not in self.root

    def row(self, key: str) -> dict[str, Any] | None:
        """The result under a key; None if there is none, or only a torn one."""
        try:
            return json.loads(self._read(key, ROW_FILE))
        except (OSError, ValueError):
            return None

    def write(self, key: str, row: dict[str, Any]) -> None:
        """Keep a result."""
        if self.is_path:
            write_json(self._folder(key) / ROW_FILE, row)
        else:
            files, root = self._remote()
            with _told(self.root):
                files.makedirs(f"{root}/{key}", exist_ok=True)
                files.pipe_file(f"{root}/{key}/{ROW_FILE}", json.dumps(row).encode())

    @contextlib.contextmanager
    def workplace(self, key: str) -> Iterator[Workplace]:
        """A folder for the run, with what the store has of it; on a path no other process works there."""
        if self.is_path:
            folder = self._folder(key)
            folder.mkdir(parents=True, exist_ok=True)
            with alone_with(folder):
                yield Workplace(self, key, folder)
        else:
            with tempfile.TemporaryDirectory(prefix="twinspike-") as name:
                self._download(key, Path(name))
                yield Workplace(self, key, Path(name), copied=True)

    @contextlib.contextmanager
    def reading(self, key: str) -> Iterator[Path]:
        """A folder with the run's files, to be read."""
        if self.is_path:
            yield self._folder(key)
        else:
            with tempfile.TemporaryDirectory(prefix="twinspike-") as name:
                self._download(key, Path(name))
                yield Path(name)

    def upload(self, key: str, folder: Path, sent: dict[str, int]) -> None:
        """Send files that have changed since they were `sent` (name -> time), take away what is gone."""
        files, root = self._remote()
        there = {path.name: path for path in folder.iterdir() if path.is_file() and path.name != ROW_FILE}
        with _told(self.root):
            files.makedirs(f"{root}/{key}", exist_ok=True)
            for name, path in there.items():
                changed = path.stat().st_mtime_ns
                if sent.get(name) != changed:
                    files.pipe_file(f"{root}/{key}/{name}", path.read_bytes())
                    sent[name] = changed
            for name in self._names(key) - there.keys() - {ROW_FILE}:
                files.rm_file(f"{root}/{key}/{name}")

    def _download(self, key: str, folder: Path) -> None:
        for name in self._names(key):
            (folder / name).write_bytes(self._read(key, name))

    def _names(self, key: str) -> set[str]:
        files, root = self._remote()
        with _told(self.root):
            try:
                found = files.ls(f"{root}/{key}", detail=True, refresh=True)
            except FileNotFoundError:
                return set()
        return {str(entry["name"]).rpartition("/")[2] for entry in found if entry["type"] == "file"}

    def _read(self, key: str, name: str) -> bytes:
        if self.is_path:
            return (self._folder(key) / name).read_bytes()
        files, root = self._remote()
        return files.cat_file(f"{root}/{key}/{name}")

    def _folder(self, key: str) -> Path:
        return Path(self.root) / key

    def _remote(self) -> tuple[Any, str]:
        import fsspec

        try:
            files, root = fsspec.core.url_to_fs(self.root)
        except (ValueError, ImportError) as error:
            raise TwinspikeError(f"{self.root}: {error}") from None
        return files, root.rstrip("/")


@contextlib.contextmanager
def _told(root: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise TwinspikeError(f"{root}: cannot keep runs there: {error}") from None
