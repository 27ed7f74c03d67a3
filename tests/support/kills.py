"""A step in a child process that reports the points which it passes and is killed at one of them.

Points are each training batch that is done and each operation on files below a folder, which Python's
audit events announce. A file opened to be written is two points: before it is, and after, when it is
truncated and not filled. A point's name is (epoch, batch, n): the n-th one after that batch, so that a
training that goes on from a checkpoint passes points of the same names. A kill at a point that was
reported before always lands, however fast the machine is.
"""

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Point = tuple[int, int, int]
# Audit events of what changes files; os.replace is announced as os.rename.
FILE_EVENTS = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "os.truncate",
    "os.utime",
}


def points(step: Callable[[], object], near: Path | str) -> list[Point]:
    """Run `step` to its end in a child; the points it passes, file operations below `near` among them."""
    with tempfile.TemporaryFile() as told:
        if _died(step, lambda: _Reporter(str(near), None, told.fileno())):
            raise RuntimeError("the step was killed by somebody else")
        told.seek(0)
        found = [tuple(map(int, line.split())) for line in told.read().splitlines()]
    return [(epoch, batch, n) for epoch, batch, n in found]


def killed(step: Callable[[], object], near: Path | str, at: Point) -> None:
    """Run `step` in a child and kill it at a reported point; RuntimeError if it does not pass that."""
    if not _died(step, lambda: _Reporter(str(near), at, None)):
        raise RuntimeError(f"the step ended without passing {at}")


def ended(step: Callable[[], object]) -> bool:
    """Run `step` in a child: True if it ended well, False if it killed itself, RuntimeError if it failed."""
    return not _died(step, lambda: None)


def batch_done(epoch: int, batch: int) -> None:
    """An `on_step` for trainings: in a child with reported points, each batch is one."""
    if _Reporter.active:
        _Reporter.active.reached((epoch, batch, 0))


def killing_measure(target: tuple[int, int, int], config, folder, on_step) -> dict[str, Any]:
    """A study's measure that kills all of the study's processes after a batch: (seed, epoch, batch)."""
    from twinspike.model.training import training
    from twinspike.study.measure import measure

    training.CHECKPOINT_SECONDS = 0.0

    def after_batch(epoch: int, batch: int) -> None:
        on_step(epoch, batch)
        if (config.seed, epoch, batch) == target:
            os.killpg(0, signal.SIGKILL)

    return measure(config, folder, after_batch)


class _Reporter:
    """Names the points of this process, tells them to a file, and kills the process at one of them."""

    active: "_Reporter | None" = None

    def __init__(self, near: str, at: Point | None, told: int | None):
        self._near, self._at, self._told = near, at, told
        self._point = (0, 0, -1)
        self._dying = False
        _Reporter.active = self
        sys.addaudithook(self._hook)

    def reached(self, point: Point, opened: tuple[Any, int] | None = None) -> None:
        self._point = point
        if point == self._at:
            self._dying = True
            if opened:
                os.open(*opened, 0o600)
            os.kill(os.getpid(), signal.SIGKILL)
        if self._told is not None:
            os.write(self._told, b"%d %d %d\n" % point)

    def _hook(self, event: str, arguments: tuple) -> None:
        if event not in FILE_EVENTS or self._dying or self._near not in str(arguments[0]):
            return
        self.reached(self._next())
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            self.reached(self._next(), (arguments[0], arguments[2]))

    def _next(self) -> Point:
        epoch, batch, n = self._point
        return epoch, batch, n + 1


def _died(step: Callable[[], object], prepare: Callable[[], object]) -> bool:
    """Run `prepare` and `step` in a child, a group of its own; whether SIGKILL ended it."""
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            prepare()
            step()
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # tools that it had started
    if os.WIFSIGNALED(status):
        return True
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError("the step failed by itself")
    return False
