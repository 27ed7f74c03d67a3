"""Tutorials, quick starts and the page about Python work: their blocks are executed, in an empty folder.

Consoles run in bash with this environment's commands; python blocks are sessions whose answers are
compared (doctest) and share one namespace in a tutorial. A comment ``<!-- not run: why -->`` before a
block leaves out what takes minutes, ``<!-- needs: NAME -->`` anywhere what not every machine has. A console
behind ``<!-- stays: FILE -->`` goes on in a shell of its own; what follows waits until FILE is there.
"""

import contextlib
import doctest
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.optional import needs

BLOCK = re.compile(
    r"(?:<!-- (not run|stays): ([^\n]+) -->\n\s*)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
NEEDED = re.compile(r"<!-- needs: (\w+) -->")
# Seconds for what stays to be there.
PATIENCE = 400
DOCS = Path(__file__).parent.parent / "docs"
PAGES = [
    *sorted((DOCS / "tutorials").glob("*.md")),
    DOCS / "start" / "researcher.md",
    DOCS / "start" / "engineer.md",
    DOCS / "start" / "maker.md",
    DOCS / "python.md",
]
TUTORIALS = [
    pytest.param(path, id=path.stem, marks=[needs(name) for name in NEEDED.findall(path.read_text())])
    for path in PAGES
]


def bash(text):
    """What runs the lines after each ``$``; lines after it up to the next one are its here-document."""
    script = "\n".join(line.removeprefix("$ ") for line in text.splitlines())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return ["bash", "-euo", "pipefail", "-c", script], os.environ | {"PATH": path}


def console(text, folder):
    """Run a console block to its end."""
    command, environment = bash(text)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"


@contextlib.contextmanager
def staying(text, folder, file):
    """Run a console block until the page ends, then Ctrl-C it, after which `file` is gone."""
    command, environment = bash(text)
    with (folder / "staying.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # What a shell starts in the background, this test perhaps, ignores Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            until = time.monotonic() + PATIENCE
            while not (folder / file).exists():
                assert process.poll() is None and time.monotonic() < until, Path(log.name).read_text()
                time.sleep(0.2)
            yield
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            status = process.wait(60)
    assert status == 130 and not (folder / file).exists(), Path(log.name).read_text()


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
    with contextlib.ExitStack() as running:
        for how, said, language, text in BLOCK.findall(tutorial.read_text(encoding="utf-8")):
            if how == "not run":
                continue
            if how == "stays":
                running.enter_context(staying(text, tmp_path, said))
            elif language == "console":
                console(text, tmp_path)
            elif language == "python":
                session(text, namespace, tutorial.name)
            else:
                continue
            ran += 1
    assert ran, f"{tutorial.name} has no block that is run"
