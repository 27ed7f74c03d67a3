"""Many runs: each cached by content, spread over processes of this machine or over a Dask cluster."""

from .pool import Executor, Interrupted, in_this_process, on_this_machine
from .store import Store, Workplace
from .task import Task, content_key

__all__ = [
    "Executor",
    "Interrupted",
    "Store",
    "Task",
    "Workplace",
    "content_key",
    "in_this_process",
    "on_this_machine",
]
