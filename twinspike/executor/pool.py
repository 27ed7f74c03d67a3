"""The one executor: tasks in, results out as they come; a run whose process dies goes on in another."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from twinspike.numerics.errors import Interrupted, TwinspikeError

from .store import Store
from .task import Row, Task, perform

# Losses after which a run is given up: its processes die of what it does.
TRIES = 3
ORPHAN_CHECK, ORPHAN_GRACE = 0.5, 30.0  # seconds


class Backend(Protocol):
    """Processes that perform tasks."""

    def slots(self) -> int:
        """How many tasks can run at a time now."""

    def submit(self, task: Task, store: Store) -> Any:
        """Begin with a task; returns its future."""

    def wait(self, running: Iterable[Any]) -> set[Any]:
        """Futures that are done, at least one; some seconds may pass without."""

    def result(self, future: Any, task: Task) -> Row | None:
        """What a future that is done came to; None if its process died and the task is to be tried again.

        Raises TwinspikeError for what the task raised, and if it is given up.
        """

    def stop(self) -> None:
        """End the processes; after Ctrl-C those that train write their checkpoints first."""


class Executor:
    """Performs tasks on a backend, as many at a time as it has slots."""

    def __init__(self, backend: Backend):
        self.backend = backend

    def each(self, tasks: Iterable[Task], store: Store, title: str) -> Iterator[tuple[Task, Row]]:
        """(task, result) as they come; a task is drawn from `tasks` only once there is a slot for it.

        Raises what a task raises, and Interrupted after Ctrl-C: finished ones are kept by `store`.
        """
        source, drained = iter(tasks), False
        running: dict[Any, Task] = {}
        try:
            while running or not drained:
                while not drained and len(running) < self.backend.slots():
                    task = next(source, None)
                    if task is None:
                        drained = True
                        break
                    row = task.found(store)
                    if row is None:
                        running[self.backend.submit(task, store)] = task
                    else:
                        yield task, row
                for future in self.backend.wait(running) if running else ():
                    task = running.pop(future)
                    row = self.backend.result(future, task)
                    if row is None:
                        running[self.backend.submit(task, store)] = task
                    else:
                        yield task, row
        except KeyboardInterrupt:
            self.backend.stop()
            raise Interrupted(f"{title} interrupted; nothing is lost: run it again to go on") from None

    def close(self) -> None:
        self.backend.stop()

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def on_this_machine(jobs: int) -> Executor:
    """`jobs` processes of this machine, started when there is something to do."""
    return Executor(Processes(jobs))


def in_this_process() -> Executor:
    """One task after the other, without other processes: errors come from where they were raised."""
    return Executor(Here())


class Here:
    """This process."""

    def slots(self) -> int:
        return 1

    def submit(self, task: Task, store: Store) -> Callable[[], Row]:
        return functools.partial(perform, task, store)

    def wait(self, running: Iterable[Callable[[], Row]]) -> set[Callable[[], Row]]:
        return set(running)

    def result(self, future: Callable[[], Row], task: Task) -> Row | None:
        return future()

    def stop(self) -> None:
        pass


class Processes:
    """A pool of processes, made anew when one of them dies."""

    def __init__(self, jobs: int):
        self._jobs = jobs
        self._pool: futures.ProcessPoolExecutor | None = None
        self._losses: dict[str, int] = {}
        self._not_ours: set[BaseProcess] = set()

    def slots(self) -> int:
        return self._jobs

    def submit(self, task: Task, store: Store) -> futures.Future[Row]:
        for _ in range(2):
            if self._pool is None:
                self._not_ours = set(multiprocessing.active_children())
                context = multiprocessing.get_context("spawn")
                self._pool = futures.ProcessPoolExecutor(self._jobs, context, _start, (os.getpid(),))
            try:
                return self._pool.submit(perform, task, store)
            except BrokenProcessPool:
                self._drop()
        raise TwinspikeError("worker processes die as they start: run the command with --jobs 1")

    def wait(self, running: Iterable[futures.Future[Row]]) -> set[futures.Future[Row]]:
        return futures.wait(running, return_when=futures.FIRST_COMPLETED).done

    def result(self, future: futures.Future[Row], task: Task) -> Row | None:
        try:
            return future.result()
        except BrokenProcessPool:
            # All that were running are told so, though one process died: each is tried again.
            lost = self._losses[task.key] = self._losses.get(task.key, 0) + 1
            if lost >= TRIES:
                raise TwinspikeError(
                    f"{task.title or task.key}: given up, a worker process died {lost} times: is there "
                    "enough memory? Try --jobs 1"
                ) from None
            return None
        except futures.CancelledError:
            return None

    def stop(self) -> None:
        if self._pool is None:
            return
        for process in set(multiprocessing.active_children()) - self._not_ours:
            process.terminate()
        self._drop()

    def _drop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _start(parent: int) -> None:
    """In a worker: Ctrl-C is the parent's to handle, and without a parent there is nothing to work for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(ORPHAN_CHECK)
    with contextlib.suppress(ProcessLookupError):
        os.kill(os.getpid(), signal.SIGTERM)  # a training writes its checkpoint first
    time.sleep(ORPHAN_GRACE)
    os._exit(1)
