"""Runs for executors: functions of a module, which other processes import."""

import os
import signal
import time
from pathlib import Path

from twinspike.executor import Task, Workplace
from twinspike.numerics.errors import TwinspikeError
from twinspike.study.runs import LOG_FILE, Run


def square(place: Workplace, number: int) -> dict[str, int]:
    """The square, and a file that says how often it was computed."""
    count = place.folder / "count"
    count.write_text(str(int(count.read_text()) + 1 if count.exists() else 1))
    return {"square": number * number}


def refuse(place: Workplace) -> dict[str, int]:
    raise TwinspikeError("this run cannot be")


def counting(place: Workplace, steps: int, seconds: float) -> dict[str, object]:
    """Counts in a file, a step at a time; says where the try that ended it began, and in which processes."""
    at, who = place.folder / "at", place.folder / "processes"
    begun = int(at.read_text()) if at.exists() else 0
    with who.open("a") as file:
        file.write(f"{os.getpid()}\n")
    for step in range(begun, steps):
        at.write_text(str(step + 1))
        place.save()
        time.sleep(seconds)
    return {"begun": begun, "processes": who.read_text().split()}


def dying(place: Workplace, times: int) -> dict[str, int]:
    """Kills its process so many times before it answers."""
    tries = place.folder / "tries"
    tried = int(tries.read_text()) if tries.exists() else 0
    if tried < times:
        tries.write_text(str(tried + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return {"tried": tried}


def squares(numbers) -> list[Task]:
    return [Task(f"square-{n}", square, (n,), f"square of {n}") for n in numbers]


def told(place: Workplace, changes: dict[str, int]) -> dict[str, int]:
    """What it was given, of which no hash can be made."""
    return dict(changes)


def epochs_done(run: Run) -> int:
    """Epochs of a training that are in its log, all if it is finished."""
    if run.row is not None:
        return run.config.training.epochs
    log = Path(run.store.root) / run.key / LOG_FILE
    return log.read_bytes().count(b"\n") if log.exists() else 0
