"""Running a tool to its end, with its output kept in a log file."""

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ...numerics.errors import TwinspikeError
from .toolchain import Tool


class ToolFailed(TwinspikeError):
    """A tool ended with an error; its first error line is in the text, the rest in `log`."""

    def __init__(self, tool: Tool, log: Path):
        said = first_error(log) or "no error line"
        super().__init__(f"{tool.name} {tool.version} failed: {said} (see {log})")
        self.log = log


def first_error(log: Path) -> str:
    """The first error of a tool, or else of make, that a log file shows; nothing if there is none."""
    text = log.read_text(errors="replace") if log.is_file() else ""
    for pattern in (r"^(?:ERROR|%Error\S*): *(?!'make )(.+)$", r"^.*\*\*\* (.+)$"):
        if found := re.search(pattern, text, re.MULTILINE):
            return found[1]
    return ""


def run_tool(tool: Tool, arguments: Sequence[str], folder: Path, log: Path) -> float:
    """Run `tool` in `folder`, both outputs going to `log`; returns seconds, raises ToolFailed.

    YoWASP's tools see a private, empty temporary folder in place of the system's, so files are to
    be named relative to `folder`. On Ctrl-C the process is ended before the exception goes on.
    """
    start = time.monotonic()
    with log.open("wb") as file:
        done = subprocess.run(
            [*tool.command, *arguments],
            cwd=folder,
            env=tool.env(),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        raise ToolFailed(tool, log)
    return time.monotonic() - start
