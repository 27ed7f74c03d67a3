"""Where Verilator's programs are built: `make` takes no path with a space, nor with some other characters."""

import contextlib
import dataclasses
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ...hw.tools.toolchain import Tool
from ...numerics.errors import TwinspikeError

_PLAIN = re.compile(r"[\w/.,@+-]+")


@dataclasses.dataclass(frozen=True)
class Workplace:
    """A tool and a folder to build in; `place` is a temporary folder for links, if any path needs one."""

    tool: Tool
    folder: Path
    place: Path | None = None

    def plain(self, path: Path) -> Path:
        """`path` as make takes it: itself, or a link to it."""
        if self.place is None or is_plain(path):
            return path
        link = self.place / f"link{len(list(self.place.iterdir()))}{path.suffix}"
        link.symlink_to(path)
        return link


def is_plain(path: Path) -> bool:
    """Whether make takes the path `path` as one word that means itself."""
    return bool(_PLAIN.fullmatch(str(path)))


@contextlib.contextmanager
def workplace(tool: Tool, folder: Path, *others: Path) -> Iterator[Workplace]:
    """A place to build in for `folder`: itself, or a temporary folder that is gone in the end, which is said.

    `others` are paths that the build's makefile names, beside those of the tool (see Workplace.plain).
    """
    folder = folder.resolve()
    named = [Path(path) for key in ("VERILATOR_ROOT",) if (path := tool.env().get(key))]
    if all(map(is_plain, (folder, Path(sys.executable), *named, *others))):
        yield Workplace(tool, folder)
        return
    with _plain_folder() as place:
        there = Workplace(tool, folder, place)
        environment = dict(tool.environment)
        if "VERILATOR_ROOT" in environment:
            environment["VERILATOR_ROOT"] = str(there.plain(Path(environment["VERILATOR_ROOT"])))
        if "MAKEFLAGS" in environment:
            escaped = sys.executable.replace(" ", "\\ ")
            python = str(there.plain(Path(sys.executable)))
            environment["MAKEFLAGS"] = environment["MAKEFLAGS"].replace(escaped, python)
        if not is_plain(folder):
            print(f"{folder}: make takes no such path: built in a temporary folder", file=sys.stderr)
            folder = place / "build"
            folder.mkdir()
        yield Workplace(dataclasses.replace(tool, environment=environment), folder, place)


@contextlib.contextmanager
def _plain_folder() -> Iterator[Path]:
    """A temporary folder with a plain path."""
    for root in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        path = Path(root).resolve()
        if is_plain(path) and os.access(path, os.W_OK | os.X_OK):
            with tempfile.TemporaryDirectory(prefix="twinspike-", dir=path) as name:
                yield Path(name)
            return
    raise TwinspikeError(
        f"{tempfile.gettempdir()}: make, which Verilator needs, takes no path with a space: set TMPDIR to a "
        "folder without one"
    )
