"""The command line as users meet it: exit status, one line on stderr, nothing half-written."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.networks import random_network

from twinspike.cli import commands
from twinspike.cli.app import MAINTAINERS, USERS, app
from twinspike.cli.main import main
from twinspike.config import available
from twinspike.numerics.encodings import Latency
from twinspike.numerics.errors import TwinspikeError

STEPS = ["train", "export", "golden", "rtl", "sim", "synth", "report", "data", "doctor", "import"]
TOML = 'dataset = "digits"\ntimesteps = 3\n[[layers]]\nneurons = 6\n[[layers]]\nneurons = 3\n'


@pytest.fixture
def tiny(tmp_path):
    """A configuration file whose network is already trained: (its path, the outputs' root)."""
    config, out = tmp_path / "tiny.toml", tmp_path / "build"
    config.write_text(TOML)
    network = random_network(5, timesteps=3, shape=(8, 8), widths=(6, 3), encoder=Latency(threshold=32))
    network.save(out / "tiny" / "network.safetensors")
    return str(config), out


def refused(capsys, *arguments):
    """Run; assert status 2 and a single line; return it."""
    assert main([str(a) for a in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("twinspike: error: ")
    assert err.count("\n") == 1
    return err


def declared():
    """Every command's name and panel."""
    return {info.name: info.rich_help_panel for info in app.registered_commands}


@pytest.mark.parametrize("step", list(declared()))
def test_every_step_explains_itself(step, capsys):
    assert main([step, "--help"]) == 0
    assert f"Usage: twinspike {step}" in capsys.readouterr().out


def test_the_introduction_names_every_step_users_first(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    users, maintainers = text.index(f"─ {USERS}"), text.index(f"─ {MAINTAINERS}")
    where = {name: re.search(rf"^│ {name}  ", text, re.MULTILINE).start() for name in declared()}
    assert set(STEPS) <= set(where)
    for name, panel in declared().items():
        assert users < where[name] and (where[name] > maintainers) == (panel == MAINTAINERS), name


def test_every_file_of_commands_is_listed_and_registers():
    folder = Path(commands.__file__).parent
    assert sorted(commands.FILES) == sorted(p.stem for p in folder.glob("*.py") if p.stem != "__init__")
    homes = {info.callback.__module__.rpartition(".")[2] for info in app.registered_commands}
    assert homes == set(commands.FILES)


def test_nothing_but_the_command_line_imports_it():
    root = Path(commands.__file__).parents[3]
    folders = ("numerics", "quant", "model", "sim", "hw", "host", "twinspike")
    for path in (p for folder in folders for p in (root / folder).rglob("*.py")):
        if "cli" not in path.relative_to(root).parts:
            assert "twinspike.cli" not in path.read_text(), path


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["doctor"], ["rtl", "--config", "no"]], ids=" ".join
)
def test_torch_is_loaded_only_to_train(arguments):
    asked = f"from twinspike.cli import main; main({arguments}); import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True).returncode == 0


def test_help_needs_no_numpy():
    asked = "from twinspike.cli import main; main(['--help']); import sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True).returncode == 0


@pytest.mark.parametrize("step", ["train", "golden", "rtl", "sim", "synth", "report"])
def test_an_unknown_configuration_lists_the_known_ones(step, capsys, tmp_path):
    line = refused(capsys, step, "--config", "imagenet", "--out", tmp_path / "build")
    assert {"digits", "mnist", "fashion"} <= set(available())
    assert f"configuration 'imagenet' is unknown: choose {', '.join(available())}, or give" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["golden", "rtl", "sim", "synth", "report"])
def test_a_missing_network_says_how_to_train_it(step, capsys, tmp_path):
    config = tmp_path / "tiny.toml"
    config.write_text(TOML)
    line = refused(capsys, step, "--config", config, "--out", tmp_path / "build")
    remedy = f"train it first: twinspike train --config {config} --out "
    assert f"network.safetensors does not exist: {remedy}" in line
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.toml"]


@pytest.mark.parametrize("step", ["golden", "rtl", "sim", "synth", "report"])
def test_a_corrupt_network_file_is_named_and_nothing_is_written(step, capsys, tiny):
    config, out = tiny
    file = out / "tiny" / "network.safetensors"
    file.write_bytes(file.read_bytes()[:-40])
    line = refused(capsys, step, "--config", config, "--out", out)
    assert "network.safetensors: is not a sound safetensors file" in line
    assert [p.name for p in (out / "tiny").iterdir()] == ["network.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["sim", "--frames", "0"], "'--frames': '0' is not an integer in 1..1000000"),
        (["sim", "--frames", "many"], "'--frames': 'many' is not an integer in 1..1000000"),
        (["golden", "--frames", "-3"], "'--frames': '-3' is not an integer in 1..1000000"),
        (["synth", "--seeds", "1,x"], "'--seeds': '1,x' is not a list of integers such as 1,2,3"),
        (["synth", "--jobs", "0"], "'--jobs': '0' is not an integer in 1..1000000"),
        (["rtl", "--target", "up6k"], "'--target': 'up6k' is not one of generic, up5k, "),
        (["synth", "--target", "generic"], "'--target': 'generic' is not one of up5k, "),
        (["device", "fly", "--port", "x"], "'ACTION': 'fly' is not one of info, classify, "),
        (["device", "info"], "Missing option '--port' (twinspike device --help explains)"),
        (["sim", "--fram", "3"], "No such option: --fram (Possible options: --frames)"),
        (["fly"], "No such command 'fly' (twinspike --help explains)"),
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        ([], "Missing command (twinspike --help explains)"),
        (["rtl", "--config", "mnits"], "configuration 'mnits' is unknown: did you mean mnist? "),
    ],
)
def test_bad_options_are_refused_with_the_allowed_values(arguments, reason, capsys):
    assert reason in refused(capsys, *arguments)


def test_an_unknown_simulator_is_refused_before_anything_is_written(capsys, tiny, monkeypatch):
    config, out = tiny
    monkeypatch.setenv("SIM", "nonsense")
    line = refused(capsys, "sim", "--config", config, "--out", out, "--target", "generic")
    assert "SIM = 'nonsense' is not allowed: expected one of verilator, icarus" in line
    assert [p.name for p in (out / "tiny").iterdir()] == ["network.safetensors"]


def test_a_missing_simulator_names_the_version_needed(capsys, tiny, monkeypatch):
    config, out = tiny
    monkeypatch.setenv("IVERILOG", "/nowhere/iverilog")
    line = refused(
        capsys, "sim", "--config", config, "--out", out, "--target", "generic", "--simulator", "icarus"
    )
    assert "environment variable IVERILOG = '/nowhere/iverilog' names no program" in line


@pytest.mark.parametrize(
    ("lanes", "reason"),
    [
        ("[7, 1]", "hardware.lanes[0] = 7 is not allowed: expected 1..6, the layer's neurons"),
        ("[2, 2, 2]", "hardware.lanes has 3 numbers: expected one per layer, 2"),
        ("[0, 1]", "hardware.lanes"),
    ],
)
def test_lanes_that_do_not_suit_the_network(lanes, reason, capsys, tiny):
    config, out = tiny
    with open(config, "a") as file:
        file.write(f"[hardware]\nlanes = {lanes}\n")
    assert reason in refused(capsys, "rtl", "--config", config, "--out", out)
    assert [p.name for p in (out / "tiny").iterdir()] == ["network.safetensors"]


def test_a_folder_of_something_else_is_never_replaced(capsys, tiny, tmp_path):
    config, out = tiny
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter1.tex").write_text("x")
    line = refused(capsys, "rtl", "--config", config, "--out", out, "--folder", precious)
    assert "thesis is not a folder of generated RTL: give a new or an empty one" in line
    assert (precious / "chapter1.tex").read_text() == "x"


def test_a_network_for_other_images_is_refused(capsys, tmp_path):
    config, out = tmp_path / "tiny.toml", tmp_path / "build"
    config.write_text(TOML)
    network = random_network(5, timesteps=3, shape=(7, 8), widths=(6, 3), encoder=Latency(threshold=32))
    network.save(out / "tiny" / "network.safetensors")
    line = refused(capsys, "golden", "--config", config, "--out", out)
    assert "takes images of (7, 8), dataset digits has (8, 8)" in line


def test_rtl_and_golden_write_what_they_name(capsys, tiny):
    config, out = tiny
    assert main(["rtl", "--config", config, "--out", str(out)]) == 0
    names = {p.name for p in (out / "tiny" / "rtl").iterdir()}
    assert {"twinspike_core.v", "twinspike_core.il", "harness.il", "ports.md", "rtl.json"} <= names
    assert main(["golden", "--config", config, "--out", str(out), "--frames", "5"]) == 0
    assert "5 frames, accuracy" in capsys.readouterr().out
    assert (out / "tiny" / "golden.npz").is_file()


def test_memories_that_a_device_lacks_are_a_warning_and_no_work_for_synthesis(capsys, tmp_path):
    config, out = tmp_path / "large.toml", tmp_path / "build"
    config.write_text(TOML.replace("neurons = 6", "neurons = 1024"))
    large = {"timesteps": 3, "shape": (8, 8), "widths": (1024, 3)}
    network = random_network(5, **large, encoder=Latency(threshold=32))
    network.save(out / "large" / "network.safetensors")
    given = ["--config", str(config), "--out", str(out), "--target", "hx8k"]
    assert main(["rtl", *given]) == 0
    said = capsys.readouterr().err
    assert re.search(r"warning: the core does not fit hx8k: its memories need about \d+ EBR blocks, ", said)
    assert "the core does not fit hx8k: its memories need about" in refused(capsys, "synth", *given)
    assert not (out / "large" / "hx8k" / "synth").exists()


def test_interrupt_ends_with_130(capsys, monkeypatch, tiny):
    config, out = tiny

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("twinspike.flow.golden.write_golden", interrupt)
    assert main(["golden", "--config", config, "--out", str(out)]) == 130
    assert capsys.readouterr().err == "twinspike: interrupted\n"


@pytest.mark.parametrize("turned_into", [AttributeError("half a module"), TwinspikeError("nothing is there")])
def test_an_interrupt_that_became_another_error_ends_with_130(turned_into, capsys, monkeypatch, tiny):
    config, out = tiny

    def broken(*_, **__):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise turned_into from None

    monkeypatch.setattr("twinspike.flow.golden.write_golden", broken)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert main(["golden", "--config", config, "--out", str(out)]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "twinspike: interrupted\n"
