"""`twinspike train` as users meet it: what it refuses before it begins, and what it says at the end."""

import os
import signal

import pytest

from twinspike.cli.main import main
from twinspike.model.training import training

TOML = """\
dataset = "digits"
timesteps = 2
[[layers]]
neurons = 6
[[layers]]
neurons = 3
[training]
epochs = 1
batch_size = 256
learning_rate = 2e-3
reference_temperature = 0.0
surrogate_slope = 1.0
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TOML)
    return tmp_path / "tiny.toml"


@pytest.mark.parametrize(
    ("hardware", "reason"),
    [
        ("lanes = [7, 1]", "hardware.lanes[0] = 7 is not allowed: expected 1..6, the layer's neurons"),
        (
            "events_per_clock = [5, 1]",
            "hardware.events_per_clock[0] = 5 is not allowed: expected one of 1, 2, 4, 8, 16",
        ),
        ("slots = 3", "hardware.slots = 3 is not allowed: expected 10..254"),
    ],
)
def test_hardware_that_cannot_be_is_refused_before_training(hardware, reason, config, capsys):
    config.write_text(f"{TOML}[hardware]\n{hardware}\n")
    assert main(["train", "--config", "tiny.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"twinspike: error: {reason}") and err.count("\n") == 1
    assert os.listdir() == ["tiny.toml"]


def test_membranes_too_wide_to_train_are_refused_before_training(config, capsys):
    config.write_text(TOML.replace("neurons = 6", "neurons = 6\nstate_bits = 30"))
    assert main(["train", "--config", "tiny.toml"]) == 2
    assert "layers.0.state_bits = 30 is not allowed: expected 2..24 to train" in capsys.readouterr().err
    assert os.listdir() == ["tiny.toml"]


def test_a_device_that_is_too_small_is_a_warning(config, capsys):
    config.write_text(
        TOML.replace("neurons = 6", "neurons = 1024\nweight_bits = 8") + '[hardware]\ntargets = ["hx8k"]\n'
    )
    main(["train", "--config", "tiny.toml"])
    assert "twinspike: warning: the core will not fit hx8k: at least " in capsys.readouterr().err
    assert (config.parent / "build/tiny/network.safetensors").is_file()


def test_a_network_that_learned_nothing_is_said_to_and_ends_with_1(config, capsys):
    # A single step on few images: no output spikes often enough to be in a reference.
    changes = ["--set", "training.images=64", "--set", "training.initial_bias=-0.2"]
    assert main(["train", "--config", "tiny.toml", *changes]) == 1
    assert (
        "twinspike: error: the network learned nothing: the references of all 10 classes are equal; "
        in capsys.readouterr().err
    )


def test_interrupted_training_ends_with_130_and_goes_on(config, capsys, monkeypatch):
    learn = training._Run._learn

    def interrupted(run, chosen):
        os.kill(os.getpid(), signal.SIGINT)
        return learn(run, chosen)

    monkeypatch.setattr(training._Run, "_learn", interrupted)
    assert main(["train", "--config", "tiny.toml"]) == 130
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "twinspike: training interrupted in epoch 1 of 1, batch 1 of 4; nothing is lost: go on" in last
    monkeypatch.undo()
    monkeypatch.chdir(config.parent)
    assert main(["train", "--config", "tiny.toml", "--resume"]) == 0
    assert "trained to the end before" not in capsys.readouterr().err


def test_a_training_that_was_finished_before_is_said_to_be(config, capsys):
    given = ["train", "--config", "tiny.toml"]
    assert main([*given, "--set", "training.epochs=2"]) == 0
    assert "trained to the end before" not in capsys.readouterr().err
    assert main([*given, "--resume"]) == 0
    said = capsys.readouterr().err
    assert "tiny was trained to the end before, with training.epochs=2 by --set; without --resume" in said
