"""The name under which a served board's port lies: refused in one line where it cannot be had."""

import pytest

from twinspike.cli.main import main


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--port", "new"), "--port is for --serve"),
        (("--serve", "--port", "notes.txt"), "--port notes.txt exists"),
        (("--serve", "--port", "."), "--port . exists"),
    ],
)
def test_a_port_that_cannot_be_is_refused_before_anything_is_built(
    options, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["sim-board", "--config", "digits", *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and said in error
    assert (tmp_path / "notes.txt").read_text() == "mine" and not (tmp_path / "build").exists()
