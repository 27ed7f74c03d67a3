"""The name under which a served board's port lies: refused where it cannot be had, gone when the board is."""

import contextlib
import signal
from types import SimpleNamespace

import pytest

from twinspike.boards import steps
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


def test_the_link_goes_when_sigterm_comes(tmp_path, monkeypatch):
    link = tmp_path / "board"
    device = SimpleNamespace(stats=lambda: SimpleNamespace(weights_loaded=True))

    class Running(contextlib.nullcontext):
        port = "/dev/null"

        @property
        def alive(self):
            assert link.is_symlink()
            signal.raise_signal(signal.SIGTERM)
            return True

    monkeypatch.setattr(steps, "simulated", lambda *_: (None, Running()))
    monkeypatch.setattr(steps.Device, "open", lambda *_, **__: contextlib.nullcontext(device))
    with pytest.raises(SystemExit) as ended:
        steps.serve(None, None, "icebreaker", 3_000_000, port=link)
    assert ended.value.code == 128 + signal.SIGTERM and not link.is_symlink()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
