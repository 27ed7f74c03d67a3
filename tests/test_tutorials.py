"""Tutorials, quick starts and the page about Python work: their blocks are executed, in an empty folder.

Consoles run in bash with this environment's commands; python blocks are sessions whose answers are
compared (doctest) and share one namespace in a tutorial. A comment ``<!-- not run: why -->`` before a
block leaves out what takes minutes, ``<!-- needs: NAME -->`` anywhere what not every machine has.
"""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.optional import needs

BLOCK = re.compile(r"(<!-- not run: [^\n]+ -->\n\s*)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDED = re.compile(r"<!-- needs: (\w+) -->")
DOCS = Path(__file__).parent.parent / "docs"
PAGES = [
    *sorted((DOCS / "tutorials").glob("*.md")),
    DOCS / "start" / "researcher.md",
    DOCS / "start" / "engineer.md",
    DOCS / "python.md",
]
TUTORIALS = [
    pytest.param(path, id=path.stem, marks=[needs(name) for name in NEEDED.findall(path.read_text())])
    for path in PAGES
]


def console(text, folder):
    """Run the lines after each ``$``; lines after it up to the next one are its here-document."""
    script = "\n".join(line.removeprefix("$ ") for line in text.splitlines())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def session(text, namespace, where):
    """Run a python session and compare its answers."""
    test = doctest.DocTestParser().get_doctest(text, namespace, where, where, 0)
    assert test.examples, f"{where}: a python block without >>>"
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    failed, _ = runner.run(test, out=report.append, clear_globs=False)
    assert not failed, "".join(report)
    namespace.update(test.globs)


@pytest.mark.parametrize("tutorial", TUTORIALS)
def test_a_tutorial_does_what_it_says(tutorial, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace, ran = {}, 0
    for skipped, language, text in BLOCK.findall(tutorial.read_text(encoding="utf-8")):
        if skipped:
            continue
        if language == "console":
            console(text, tmp_path)
        elif language == "python":
            session(text, namespace, tutorial.name)
        else:
            continue
        ran += 1
    assert ran, f"{tutorial.name} has no block that is run"
