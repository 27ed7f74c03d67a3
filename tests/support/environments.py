"""Fresh environments that hold the wheel and what it asks for, and nothing else."""

import dataclasses
import os
import subprocess
import sys
import venv
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Environment:
    """A virtual environment of its own."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    def run(self, program, *arguments, where, **variables):
        """(Status, stdout, stderr) of a program of the environment, started in the folder `where`."""
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(
            [self.programs / program, *map(str, arguments)],
            cwd=where,
            env={**kept, "COLUMNS": "200", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        return done.returncode, done.stdout, done.stderr


def build_wheel(folder: Path) -> Path:
    """The wheel of the working tree, built from a copy of its files."""
    copy = folder / "tree"
    copy.mkdir(parents=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["xargs", "-0", "cp", "--parents", "-t", copy], input=names, cwd=ROOT, check=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *alone, "-w", folder, copy], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def metadata_of(wheel: Path) -> str:
    """The wheel's METADATA, the README at its end."""
    with ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        return archive.read(name).decode()


def requirements(wheel: Path) -> list[str]:
    """What the wheel's metadata asks for, with its markers."""
    return Parser().parsestr(metadata_of(wheel)).get_all("Requires-Dist") or []


def closure(wheel: Path, *extras: str) -> set[str]:
    """Canonical names of all distributions that the wheel with these extras pulls in, as installed here."""
    found: dict[str, set[str]] = {}
    todo: list[tuple[str, set[str]]] = [("twinspike", set(extras))]
    while todo:
        name, wanted = todo.pop()
        known = found.get(name)
        if known is not None and wanted <= known:
            continue
        found[name] = wanted = wanted | (known or set())
        asked = requirements(wheel) if name == "twinspike" else metadata.requires(name) or []
        for requirement in map(Requirement, asked):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in (wanted or {""})):
                todo.append((canonicalize_name(requirement.name), set(requirement.extras)))
    return set(found) - {"twinspike"}


def linked(folder: Path, wheel: Path, *extras: str) -> Environment:
    """A fresh environment with the wheel; the files of what it asks for are links to those used here."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in closure(wheel, *extras):
        distribution = metadata.distribution(name)
        for file in distribution.files or []:
            if ".." not in file.parts:
                _link(Path(str(distribution.locate_file(file))), site / file)
    _pip(folder, "--no-index", "--no-deps", wheel)
    return Environment(folder)


def installed(folder: Path, wheel: Path) -> Environment:
    """A fresh environment into which pip installs the wheel with all that it asks for."""
    venv.create(folder, symlinks=True)
    _pip(folder, "-c", ROOT / "constraints.txt", wheel)
    return Environment(folder)


def _pip(folder: Path, *arguments) -> None:
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
    subprocess.run([*pip, "--quiet", "--disable-pip-version-check", *arguments], check=True)


def _link(source: Path, to: Path) -> None:
    if not source.is_file():
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, to)
    except OSError:
        to.write_bytes(source.read_bytes())
        to.chmod(source.stat().st_mode)
