"""The command line as users meet it: exit status, one line on stderr, nothing half-written."""

import pytest
from support.networks import random_network

from twinspike.cli.main import main
from twinspike.numerics.codings import Latency

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


def misused(capsys, *arguments):
    """As above for what argparse itself refuses; its last line is the reason."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    assert stop.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_explains_itself(step, capsys):
    with pytest.raises(SystemExit) as stop:
        main([step, "--help"])
    assert stop.value.code == 0
    assert f"usage: twinspike {step}" in capsys.readouterr().out


def test_the_introduction_names_every_step(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(step in text for step in STEPS)


@pytest.mark.parametrize("step", ["train", "golden", "rtl", "sim", "synth", "report"])
def test_an_unknown_configuration_lists_the_known_ones(step, capsys, tmp_path):
    line = refused(capsys, step, "--config", "imagenet", "--out", tmp_path / "build")
    assert "configuration 'imagenet' is unknown: choose digits, fashion, fashion-small, mnist" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["golden", "rtl", "sim", "synth", "report"])
def test_a_missing_network_says_how_to_train_it(step, capsys, tmp_path):
    config = tmp_path / "tiny.toml"
    config.write_text(TOML)
    line = refused(capsys, step, "--config", config, "--out", tmp_path / "build")
    assert "network.safetensors does not exist: train it first (make train CONFIG=tiny" in line
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
        (["sim", "--frames", "0"], "argument --frames: '0' is not an integer in 1..1000000"),
        (["sim", "--frames", "many"], "argument --frames: 'many' is not an integer in 1..1000000"),
        (["golden", "--frames", "-3"], "argument --frames: '-3' is not an integer in 1..1000000"),
        (["synth", "--seeds", "1,x"], "argument --seeds: '1,x' is not a list of integers such as 1,2,3"),
        (["synth", "--jobs", "0"], "argument --jobs: '0' is not an integer in 1..1000000"),
        (["rtl", "--target", "up6k"], "argument --target: invalid choice: 'up6k' (choose from"),
        (["synth", "--target", "generic"], "argument --target: invalid choice: 'generic' (choose from"),
        (["fly"], "argument STEP: invalid choice: 'fly' (choose from"),
        ([], "the following arguments are required: STEP"),
    ],
)
def test_bad_options_are_refused_with_the_allowed_values(arguments, reason, capsys):
    assert reason in misused(capsys, *arguments)


def test_an_unknown_simulator_is_refused_before_anything_is_written(capsys, tiny, monkeypatch):
    config, out = tiny
    monkeypatch.setenv("SIM", "nonsense")
    line = refused(capsys, "sim", "--config", config, "--out", out, "--target", "generic")
    assert "SIM = 'nonsense' is not allowed: expected one of verilator, icarus" in line
    assert [p.name for p in (out / "tiny").iterdir()] == ["network.safetensors"]


def test_a_missing_simulator_names_the_version_needed(capsys, tiny, monkeypatch):
    config, out = tiny
    monkeypatch.setenv("IVERILOG", "/nowhere/iverilog")
    line = refused(capsys, "sim", "--config", config, "--out", out, "--target", "generic",
                   "--simulator", "icarus")  # fmt: skip
    assert "environment variable IVERILOG = '/nowhere/iverilog' names no program" in line


@pytest.mark.parametrize(
    ("lanes", "reason"),
    [
        ("[7, 1]", "hardware.lanes[0] = 7 is not allowed: expected 1..6, the layer's neurons"),
        ("[2, 2, 2]", "hardware.lanes has 3 numbers: expected one a layer, 2"),
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
    random_network(5, timesteps=3, shape=(7, 8), widths=(6, 3)).save(out / "tiny" / "network.safetensors")
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


def test_interrupt_ends_with_130(capsys, monkeypatch, tiny):
    config, out = tiny

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("twinspike.cli.steps.golden", interrupt)
    assert main(["golden", "--config", config, "--out", str(out)]) == 130
    assert capsys.readouterr().err == "twinspike: interrupted\n"
