"""Tasks on the workers of a Dask cluster (extra `cluster`)."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import distributed
from distributed.scheduler import KilledWorker

from twinspike import __version__
from twinspike.numerics.errors import Interrupted, TwinspikeError
from twinspike.numerics.sources import source_hash

from .pool import TRIES, Executor
from .store import Store
from .task import Row, Task, perform

CONNECT_SECONDS = 10
_WAIT_SECONDS = 2  # a worker that joined meanwhile gets work


def on_cluster(address: str) -> Executor:
    """The cluster whose scheduler is at `address`, such as tcp://10.0.0.1:8786.

    Raises TwinspikeError if nobody answers there, or if its workers are not as they must be.
    """
    return Executor(Cluster(address))


@functools.cache
def identity() -> str:
    """What must be equal here and on every worker: the code that computes results."""
    return f"{__version__} {source_hash('numerics', 'quant', 'model', 'sim', 'hw', bare=True)[:16]}"


def _perform(task: Task, store: Store, code: str) -> Row:
    """On a worker."""
    if identity() != code:
        raise TwinspikeError(
            f"a worker runs twinspike {identity()}, the command {code}: install the same on both"
        )
    return perform(task, store)


class Cluster:
    """A client of a scheduler, which hands the tasks of a worker that is gone to another one."""

    def __init__(self, address: str):
        try:
            self._client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise TwinspikeError(
                f"--cluster {address}: nobody answers there ({' '.join(str(error).split())}): "
                "start one with dask scheduler, its workers with dask worker --nthreads 1 --nworkers N"
            ) from None
        self.address = address

    def slots(self) -> int:
        """The workers; while there is none, one task waits for the first."""
        threads = self._client.nthreads()
        for worker, number in threads.items():
            if number != 1:
                # Threads of one process would draw from one random generator.
                raise TwinspikeError(
                    f"worker {worker} of {self.address} has {number} threads: start it with dask worker "
                    "--nthreads 1 --nworkers N"
                )
        return max(1, len(threads))

    def submit(self, task: Task, store: Store) -> distributed.Future:
        key = f"twinspike-{task.key}"
        return self._client.submit(_perform, task, store, identity(), key=key, pure=False)

    def wait(self, running: Iterable[distributed.Future]) -> set[distributed.Future]:
        with self._client.as_current():
            try:
                return distributed.wait(
                    list(running), timeout=_WAIT_SECONDS, return_when="FIRST_COMPLETED"
                ).done
            except TimeoutError:
                return set()

    def result(self, future: distributed.Future, task: Task) -> Row | None:
        try:
            return future.result()
        except ImportError as error:
            raise TwinspikeError(f"a worker of {self.address} lacks what it needs: {error}") from None
        except KilledWorker as error:
            raise TwinspikeError(
                f"{task.title or task.key}: given up, {TRIES} workers or more died of it: {error.last_worker}"
            ) from None
        except distributed.client.FutureCancelledError:
            raise Interrupted(f"{task.title or task.key}: cancelled on the cluster") from None

    def stop(self) -> None:
        """Leave; tasks of this client that are not done are dropped by the scheduler."""
        self._client.close()
