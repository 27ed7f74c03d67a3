"""How a command ends: what it wrote, and the command that its user most likely wants next."""

import shlex
from pathlib import Path

from twinspike.config import Config
from twinspike.flow.folders import GENERIC, Folders
from twinspike.flow.identity import command


def wrote(folder: Path | str, *files: str, next: str | None = None) -> None:
    """Print where the results are, `files` being their names in `folder`, and a command line that goes on."""
    print(f"wrote {folder}{': ' if files else ''}{', '.join(files)}")
    if next:
        print(f"next: {next}")


def then(step: str, config: Config | None, place: Folders, *options: str) -> str:
    """The command line of a step for the very configuration that the user named."""
    line = command(step, config, place.build) if config else f"twinspike {step}"
    return f"{line} {shlex.join(options)}" if options else line


def aimed(target: str) -> tuple[str, ...]:
    """The option that keeps a chain of steps on one target; none for the portable core."""
    return () if target == GENERIC else ("--target", target)
