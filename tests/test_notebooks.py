"""The notebooks run from top to bottom, in an empty folder, as scripts (jupytext's percent format)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "docs" / "notebooks").glob("*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook, tmp_path):
    done = subprocess.run(
        [sys.executable, notebook],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def test_there_is_one_for_each_persona_and_each_is_a_notebook():
    assert [path.stem for path in NOTEBOOKS] == ["fpga_engineer", "maker", "researcher"]
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert "format_name: percent" in text and text.count("\n# %% [markdown]\n") > 3
