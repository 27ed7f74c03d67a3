"""Running a tool to its end, with its output kept in a log file."""

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ...numerics.errors import TwinspikeError
from .toolchain import Tool

_WATCH_SECONDS = 1.0
_TAIL_BYTES = 1 << 13


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


def stage(log: Path) -> str:
    """What a running yosys or nextpnr is at, in a few words, by the end of its log file."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = file.read().decode(errors="replace")
    if passes := re.findall(r"^[\d.]+ Executing (\w+)", text, re.MULTILINE):
        return passes[-1]
    lines = re.findall(r"^Info: (\w[^\n]{,25})", text, re.MULTILINE)
    return lines[-1].rsplit(" ", 1)[0].strip(" .:") if lines else "starts"


def run_tool(
    tool: Tool,
    arguments: Sequence[str],
    folder: Path,
    log: Path,
    watch: Callable[[str], None] | None = None,
) -> float:
    """Run `tool` in `folder`, both outputs going to `log`; returns seconds, raises ToolFailed.

    `watch` is told every second what the tool is at (see `stage`).
    YoWASP's tools see a private, empty temporary folder in place of the system's, so files are to
    be named relative to `folder`. On Ctrl-C the process is ended before the exception goes on.
    """
    start = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*tool.command, *arguments],
            cwd=folder,
            env=tool.env(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, log, watch)
        except BaseException:
            process.kill()
            process.wait()
            raise
    if process.returncode != 0:
        raise ToolFailed(tool, log)
    return time.monotonic() - start


def _wait(process: subprocess.Popen[bytes], log: Path, watch: Callable[[str], None] | None) -> None:
    while True:
        try:
            process.wait(_WATCH_SECONDS if watch else None)
            return
        except subprocess.TimeoutExpired:
            if watch:
                watch(stage(log))
