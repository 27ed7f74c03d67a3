"""How commands end, and how wide what they print is."""

import json

import pytest

from twinspike.cli.closing import then
from twinspike.cli.commands.rtl import _print_plan
from twinspike.cli.commands.sim import print_runs
from twinspike.cli.main import main
from twinspike.config import load_config
from twinspike.flow.folders import GENERIC, folders, pretrained
from twinspike.hw.plan.choose import plan_for
from twinspike.quant.network_file import load_network

COLUMNS = 80
SMALL = 'dataset = "digits"\ntimesteps = 3\n[[layers]]\nneurons = 6\n[[layers]]\nneurons = 3\n'


def test_what_comes_next_names_the_file_that_the_user_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my nets").mkdir()
    (tmp_path / "my nets" / "small.toml").write_text(SMALL)
    given = "my nets/small.toml"
    assert main(["train", "--config", given, "--set", "training.epochs=1", "--out", "o"]) in (0, 1)
    said = capsys.readouterr().out.splitlines()
    assert "wrote o/small: network.safetensors, metrics.json, train.jsonl" in said
    assert said[-1] == "next: twinspike rtl --config 'my nets/small.toml' --out o"
    assert main(["rtl", "--config", given, "--out", "o", "--target", "up5k"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2].startswith("wrote o/small/up5k/rtl: twinspike_core.v")
    assert said[-1] == "next: twinspike sim --config 'my nets/small.toml' --out o --target up5k"


def test_a_step_goes_on_with_its_target(tmp_path):
    config = load_config("mnist")
    assert then("sim", config, folders("build", "mnist"), "--target", "up5k") == (
        "twinspike sim --config mnist --target up5k"
    )


@pytest.mark.parametrize("name", ["mnist", "mnist-conv", "fashion"])
def test_the_table_of_a_core_fits_the_terminal(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    config = load_config(name)
    network = load_network(pretrained(config) / "network.safetensors")
    plan = plan_for(network, config.hardware, GENERIC)
    _print_plan(f"build/{name}/rtl", plan)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= COLUMNS
    # Only titles wrap: a layer is one line.
    assert len([line for line in lines if line.strip()[:1].isdecimal()]) == len(plan.layers)


def test_the_table_of_simulated_runs_fits_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    row = json.loads(
        '{"target": "ecp5-85k", "run": "back_to_back", "frames": 10000, "isolated": false,'
        '"spikes_compared": 123456789, "mismatches": 12345, "faults": [], "cycles_predicted_equal": false,'
        '"cycles": {"interval": {"median": 12345.0, "values": [1]}}}'
    )
    print_runs([row], "build/mnist-conv-wide/sim.json")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= COLUMNS
    assert any(all(part in line for part in ("back_to_back", "123,456,789", "DIFFERS")) for line in lines)
