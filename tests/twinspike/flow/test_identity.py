"""A configuration is its file and its settings: stems of file names are nobody's identity."""

import json
import os
import shlex
import shutil

import pytest

from twinspike.cli.main import main
from twinspike.config import load_config
from twinspike.flow.folders import pretrained
from twinspike.flow.identity import RECORD_FILE, record_name
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network

TOML = """\
dataset = "digits"
timesteps = 4
[encoder]
kind = "rate"
[[layers]]
neurons = 12
[[layers]]
neurons = 8
[training]
epochs = 2
[hardware]
frames = 2
targets = ["up5k"]
"""
EDITED = TOML.replace("neurons = 12", "neurons = 16")
# Every step that takes the network of a configuration, with what else it needs.
STEPS = [
    ["golden"],
    ["rtl"],
    ["sim"],
    ["synth"],
    ["ip"],
    ["netlist"],
    ["report"],
    ["results"],
    ["bitstream"],
    ["sim-board"],
    ["device", "check", "--port", "/nowhere"],
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with mine.toml, trained into build/mine."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "mine.toml").write_text(TOML)
    assert main(["train", "--config", str(folder / "mine.toml"), "--out", str(folder / "build")]) == 0
    return folder


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """A copy of it as the working folder."""
    shutil.copytree(trained, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def refused(capsys, *arguments):
    capsys.readouterr()
    assert main([str(a) for a in arguments]) == 2
    _, err = capsys.readouterr()
    assert err.startswith("twinspike: error: ") and err.count("\n") == 1
    return err


def done(*arguments):
    assert main([str(a) for a in arguments]) == 0


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[0])
def test_every_step_notices_a_file_that_was_edited_after_training(step, here, capsys):
    (here / "mine.toml").write_text(EDITED)
    line = refused(capsys, *step, "--config", "mine.toml")
    assert (
        "build/mine/network.safetensors was trained with layers.0.neurons = 12, mine.toml says 16: "
        "train it again: twinspike train --config mine.toml" in line
    )
    assert not (here / "results").exists() and not (here / "build" / "mine" / "rtl").exists()


def test_hardware_may_be_edited_after_training(here):
    (here / "mine.toml").write_text(TOML + "lanes = [6, 4]\n")
    done("rtl", "--config", "mine.toml")
    assert json.loads((here / "build/mine/rtl/rtl.json").read_text())["layers"][0]["lanes"] == 6


@pytest.mark.parametrize("config", ["mine.toml", "./mine.toml", "{here}/mine.toml", "../work/mine.toml"])
def test_a_file_is_the_same_however_it_is_named(config, here):
    done("golden", "--config", config.format(here=here), "--frames", 3)


def test_a_report_of_ones_own(here):
    done("report", "--config", "mine.toml")
    page = (here / "build/mine/report/index.html").read_text()
    assert "mine</title>" in page and "“rate”" in page


def test_a_file_called_like_a_shipped_one_is_its_own(here, capsys):
    (here / "sub").mkdir()
    shutil.copy("mine.toml", "sub/digits.toml")
    done("train", "--config", "sub/digits.toml")
    done("report", "--config", "sub/digits.toml")
    assert "“rate”" in (here / "build/digits/report/index.html").read_text()
    line = refused(capsys, "results", "--config", "sub/digits.toml")
    assert "sub/digits.toml is not the shipped configuration digits" in line
    line = refused(capsys, "rtl", "--config", "digits")
    assert "build/digits is the build folder of sub/digits.toml, and digits is another configuration" in line
    assert "--out DIR" in line
    line = refused(capsys, "train", "--config", "digits")
    assert "build/digits is the build folder of sub/digits.toml" in line


def test_an_untrained_file_called_like_a_shipped_one_gets_no_shipped_network(here, capsys):
    shutil.copy("mine.toml", "mnist-small.toml")
    line = refused(capsys, "rtl", "--config", "mnist-small.toml", "--out", "o")
    assert "does not exist: train it first: twinspike train --config mnist-small.toml --out o\n" in line
    assert not (here / "o").exists()


def test_a_shipped_network_serves_a_file_with_its_settings(here, capsys):
    text = load_config("mnist-small").changed("x", hardware={"lanes": [4, 4]}).toml()
    (here / "own.toml").write_text(text)
    done("rtl", "--config", "own.toml")
    assert "using the trained network that ships" in capsys.readouterr().out
    source = pretrained(load_config("mnist-small"))
    network = load_network(here / "build/own/network.safetensors")
    assert network.content_hash == load_network(source / "network.safetensors").content_hash
    assert json.loads((here / "build/own" / RECORD_FILE).read_text())["config"] == "../../own.toml"
    done("train", "--config", "own.toml", "--shipped", "--out", "other")
    assert not (here / "other/own/checkpoint.safetensors").exists()


def test_files_of_equal_stem_do_not_overwrite_each_other(here, capsys):
    (here / "sub").mkdir()
    (here / "sub" / "mine.toml").write_text(EDITED)
    before = (here / "build/mine/network.safetensors").read_bytes()
    for step in ("train", "rtl"):
        line = refused(capsys, step, "--config", "sub/mine.toml")
        assert "build/mine is the build folder of mine.toml, and sub/mine.toml is another" in line
    assert (here / "build/mine/network.safetensors").read_bytes() == before
    done("train", "--config", "sub/mine.toml", "--out", "other")
    line = refused(capsys, "rtl", "--config", "mine.toml", "--out", "other")
    assert "other/mine is the build folder of sub/mine.toml" in line


def test_equal_files_share_a_folder_and_a_file_that_moved_keeps_it(here):
    (here / "sub").mkdir()
    shutil.copy("mine.toml", "sub/mine.toml")
    done("rtl", "--config", "sub/mine.toml")
    os.remove("mine.toml")
    (here / "sub" / "mine.toml").write_text(TOML + "lanes = [6, 4]\n")
    done("rtl", "--config", "sub/mine.toml")


def test_a_project_may_move_as_a_whole(here, tmp_path, monkeypatch, capsys):
    shutil.move(here, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    done("rtl", "--config", "mine.toml")
    (tmp_path / "elsewhere" / "sub").mkdir()
    (tmp_path / "elsewhere" / "sub" / "mine.toml").write_text(EDITED)
    assert "build folder of mine.toml" in refused(capsys, "rtl", "--config", "sub/mine.toml")


def test_a_bad_record_is_one_line(here, capsys):
    (here / "build/mine" / RECORD_FILE).write_text("{")
    assert "configuration.json: cannot be read" in refused(capsys, "rtl", "--config", "mine.toml")


def test_settings_of_the_command_line_are_remembered(here, capsys):
    done("train", "--config", "mine.toml", "--set", "layers.0.neurons=14", "--set", "training.epochs=1")
    network = load_network(here / "build/mine/network.safetensors")
    assert network.layers[0].neurons == 14
    done("golden", "--config", "mine.toml", "--frames", 3)
    (here / "mine.toml").write_text(TOML.replace("timesteps = 4", "timesteps = 5"))
    line = refused(capsys, "golden", "--config", "mine.toml")
    assert "timesteps = 4, mine.toml says 5" in line
    assert "twinspike train --config mine.toml --set layers.0.neurons=14 --set training.epochs=1" in line
    # A training from the beginning starts from the file alone.
    done("train", "--config", "mine.toml")
    assert load_network(here / "build/mine/network.safetensors").layers[0].neurons == 12


def test_settings_that_a_training_refused_are_not_remembered(here, capsys):
    done("train", "--config", "mine.toml", "--set", "training.epochs=1")
    line = refused(
        capsys, "train", "--config", "mine.toml", "--set", "training.epochs=1", "--set", "seed=7", "--resume"
    )
    assert "was made with another configuration: seed was 1 and is now 7" in line
    done("train", "--config", "mine.toml", "--set", "training.epochs=1", "--resume")
    done("golden", "--config", "mine.toml", "--frames", 3)


def test_an_imported_network_goes_with_the_file_that_import_wrote(here, capsys):
    import numpy as np
    from support.graphs import affine, graph, lif, write

    rng = np.random.default_rng(0)
    made = graph(fc0=affine(rng.normal(0.05, 0.2, (10, 64))), lif0=lif(10, tau=1e-3, r=10.0))
    done("import", write(here / "net.nir", made), "--config", "mine.toml")
    done("golden", "--config", "build/net/net.toml", "--frames", 3)
    text = (here / "build/net/net.toml").read_text()
    (here / "build/net/net.toml").write_text(text.replace("timesteps = 4", "timesteps = 5"))
    line = refused(capsys, "rtl", "--config", "build/net/net.toml")
    assert "build/net/network.safetensors has timesteps = 4, build/net/net.toml says 5" in line
    (here / "net.toml").write_text(TOML)
    assert "build/net is the build folder of build/net/net.toml" in refused(
        capsys, "train", "--config", "net.toml"
    )
    assert "build/mine is the build folder of mine.toml: give another --out" in refused(
        capsys, "import", "net.nir", "--out", "build/mine"
    )


def test_names_of_figures(here):
    assert record_name(load_config("digits"), "results") == "digits"
    assert record_name(load_config("mine.toml"), "results") == "mine"
    with pytest.raises(TwinspikeError, match="is not the shipped configuration digits"):
        record_name(load_config("digits", ["seed=4"]), "results")


def test_a_command_in_a_message_runs_as_it_stands(here, capsys):
    (here / "a folder").mkdir()
    shutil.copy("mine.toml", "a folder/my own.toml")
    line = refused(capsys, "rtl", "--config", "a folder/my own.toml")
    words = shlex.split(line.partition("train it first: ")[2])
    assert words[0] == "twinspike"
    done(*words[1:])
    done("rtl", "--config", "a folder/my own.toml")
