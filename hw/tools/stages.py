"""What the runs of yosys and nextpnr are at, shown while they go on."""

import functools
from collections.abc import Callable
from types import TracebackType

from ...numerics.progress import Bar, say


class Stages:
    """A bar over the runs of one design whose end says what each is at, and a line for each that is done.

    Runs may go on side by side, each in a thread of its own.
    """

    def __init__(self, title: str, runs: int):
        self._title = title
        self._bar = Bar(total=runs, desc=title, unit="run")
        self._at: dict[str, str] = {}

    def __enter__(self) -> "Stages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def begin(self, run: str) -> Callable[[str], None]:
        """Say that a run begins; returns what it calls with the words for what it is at."""
        self._show(run, "starts")
        return functools.partial(self._show, run)

    def done(self, run: str, result: str, seconds: float) -> None:
        """Say what came out of a run and how long it took; one that never began was kept from before."""
        began = self._at.pop(run, None)
        took = f"{seconds:.1f} s" if began else f"kept; it took {seconds:.1f} s"
        say(f"{self._title}: {run}: {result} ({took})")
        self._show_all()
        self._bar.update()

    def _show(self, run: str, words: str) -> None:
        self._at[run] = words
        self._show_all()

    def _show_all(self) -> None:
        self._bar.set_postfix_str("; ".join(f"{name}: {at}" for name, at in sorted(self._at.items())))
