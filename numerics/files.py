"""Atomic writes: a reader sees the old file or the new one, never a torn one. Reads of bounded size."""

import contextlib
import errno
import itertools
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import TwinspikeError


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write `data` to `path` by way of a synced temporary file in the same folder."""
    path = Path(path)
    if isinstance(data, str):
        data = data.encode()
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise TwinspikeError(f"{path}: cannot write: {error.strerror or error}") from None
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def read_limited(path: Path, most: int, what: str) -> bytes:
    """The content of the regular file `path`; `what` names its kind in errors.

    Raises TwinspikeError if it cannot be read, is no regular file (a device or a pipe may never end) or
    holds more than `most` bytes.
    """
    try:
        # A pipe without a writer would block the opening.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            found = os.fstat(file.fileno())
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(found.st_mode):
                raise TwinspikeError(f"{path}: is no regular file: expected {what}")
            if found.st_size > most:
                raise TwinspikeError(f"{path}: has {found.st_size} bytes, {what} at most {most}")
            return file.read(found.st_size)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        said = getattr(error, "strerror", None) or error
        raise TwinspikeError(f"{path}: cannot read {what}: {said}") from None


def parse_json(text: bytes | str) -> Any:
    """The value that JSON `text` stands for; raises ValueError for whatever is wrong with it.

    Refused as well: nesting too deep to be walked, and NaN and infinities, which are not JSON.
    """

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON number")

    try:
        value = json.loads(text, parse_constant=refuse)
        json.dumps(value)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically."""
    write_atomically(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of `folder` at the end; after an error it is gone.

    But for the log that the error names (its attribute `log`): that is kept beside `folder`, and named anew.
    Raises TwinspikeError if it cannot be made, filled or put in place.
    """
    folder, work, aside = Path(folder), None, None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        yield work
        work.chmod(0o755)
        # The old folder steps aside whole: removed in place, it would be torn for a while.
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
        for attempt in itertools.count():
            with contextlib.suppress(FileNotFoundError):
                folder.rename(aside / str(attempt))
            try:
                work.rename(folder)
                break
            except OSError as error:
                # Another process has put its own folder in place meanwhile: this one is newer.
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
    except TwinspikeError as error:
        _keep_log(error, work, folder)
        raise
    except OSError as error:
        raise TwinspikeError(f"{folder}: cannot write: {error.strerror or error}") from None
    finally:
        for left in (work, aside):
            if left is not None:
                shutil.rmtree(left, ignore_errors=True)


def _keep_log(error: TwinspikeError, work: Path | None, folder: Path) -> None:
    log = getattr(error, "log", None)
    if work is None or log is None or work not in log.parents:
        return
    kept = folder.with_name(f"{folder.name}.{log.name}")
    shutil.copyfile(log, kept)
    error.args = (str(error).replace(str(log), str(kept)),)
    error.log = kept  # type: ignore[attr-defined]
