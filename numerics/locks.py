"""One process at a time with a folder or file that several may write: the others wait, or go by."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import TwinspikeError


@contextlib.contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """No other process is inside this for `path` meanwhile; one that comes later waits, and says so.

    A thread may be inside more than once. The lock is a file beside `path`, which the system lets go of
    with the process, however that ends. Raises TwinspikeError if it cannot be made.
    """
    lock = _lock_beside(path, shared=True)
    with _one_line(path):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"{path}: another process is at work there: waiting for it", file=sys.stderr, flush=True)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether `path` is this caller's until the end; no other process's or caller's then."""
    lock = _lock_beside(path, shared=False)
    with _one_line(path):
        mine = True
        try:
            lock.acquire(timeout=0)
        except Timeout:
            mine = False
    try:
        yield mine
    finally:
        if mine:
            lock.release()


def _lock_beside(path: Path, *, shared: bool) -> FileLock:
    """The lock of a path, `shared` by all callers of one thread."""
    path = Path(path).resolve()
    with _one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(f".{path.name}.lock"), is_singleton=shared)


@contextlib.contextmanager
def _one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, NotImplementedError) as error:
        if isinstance(error, Timeout):
            raise
        said = getattr(error, "strerror", None) or error
        raise TwinspikeError(f"{path}: cannot be locked against other processes: {said}") from None
