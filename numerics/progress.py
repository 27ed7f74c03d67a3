"""How far something long has come: a bar on a terminal, plain lines in a log."""

import io
import sys
import time
from typing import Any

from tqdm import tqdm

# Between two lines of a log, and how long something must have taken to have a last one.
LINE_SECONDS = 30.0
WORTH_A_LINE_SECONDS = 1.0
LINE = "{desc}: {unit} {n_fmt} of {total_fmt}, {elapsed} gone, {remaining} to go{postfix}"
# Where nobody knows how many there will be.
OPEN_LINE = "{desc}: {unit} {n_fmt}, {elapsed} gone{postfix}"


class Bar(tqdm):
    """A tqdm whose bar appears on a terminal only.

    Where stderr is a file or a pipe it writes a line every LINE_SECONDS, and one at its end if it took
    WORTH_A_LINE_SECONDS: no carriage returns, nothing that a log would have to be cleaned of.
    """

    def __init__(self, *arguments: Any, **more: Any):
        self.plain = not sys.stderr.isatty()
        self.said = time.monotonic()
        if self.plain:
            # tqdm's own marks (the line break behind a bar) go nowhere; `display` writes the lines.
            more |= {"file": io.StringIO(), "bar_format": LINE, "mininterval": 1.0}
        super().__init__(*arguments, **{**more, "disable": bool(more.get("disable"))})
        if self.plain and self.total is None:
            self.bar_format = OPEN_LINE

    def display(self, msg: str | None = None, pos: int | None = None) -> bool | None:
        if not self.plain:
            return super().display(msg, pos)
        if time.monotonic() - self.said >= LINE_SECONDS:
            self._line()
        return True

    def close(self) -> None:
        if self.plain and not self.disable and self.format_dict["elapsed"] >= WORTH_A_LINE_SECONDS:
            self._line()
            self.said = float("inf")  # what tqdm still shows is the same
        super().close()

    def _line(self) -> None:
        self.said = time.monotonic()
        say(str(self).strip().removeprefix(": "))


def say(line: str) -> None:
    """A line for people on stderr, above a bar if there is one."""
    tqdm.write(line, file=sys.stderr)
    sys.stderr.flush()
