"""What `twinspike import` says and keeps: dead layers, the time unit, fine-tuning, the next command."""

import itertools
import json
import shlex

import numpy as np
import pytest
from support.graphs import affine, graph, lif, write
from support.networks import counting, random_network

from twinspike.cli.main import main
from twinspike.config import load_config
from twinspike.flow.exchange import ImportOptions, import_graph
from twinspike.flow.plans import board_plan, make_plan_for
from twinspike.hw.board.boards import board
from twinspike.model.imports.frames import Data, Frames
from twinspike.numerics.encodings import Threshold
from twinspike.quant.network_file import load_network
from twinspike.quant.nir_import import float_layers, run_layers
from twinspike.sim import golden


def run(*arguments):
    return main([str(a) for a in arguments])


def network(sizes, seed=0, **neurons):
    rng = np.random.default_rng(seed)
    nodes = {}
    for i, (inputs, count) in enumerate(itertools.pairwise(sizes)):
        nodes[f"fc{i}"] = affine(rng.normal(0.1, 3 / inputs**0.5, (count, inputs)))
        nodes[f"lif{i}"] = lif(count, **({"tau": 8e-4, "r": 8.0} | neurons))
    return graph(**nodes)


def frames(path, inputs, steps=10, count=40, **more):
    np.savez(path, spikes=np.random.default_rng(1).random((steps, count, inputs)) < 0.3, **more)
    return path


@pytest.mark.parametrize("sizes", [[4, 2, 2], [12, 16, 16, 7], [100, 512, 10], [12, 7]])
def test_the_next_command_plans_from_the_network_itself(sizes, tmp_path, capsys):
    place = tmp_path / "with space"
    file = write(tmp_path / "net.nir", network(sizes))
    data = frames(tmp_path / "d.npz", sizes[0])
    assert run("import", file, "--calibration", data, "--out", place) == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("next: ")]
    words = shlex.split(line.removeprefix("next: "))
    assert words[0] == "twinspike" and main(words[1:]) == 0
    made = load_network(place / "network.safetensors")
    plan = make_plan_for(load_config("digits"), made, "generic")
    assert [layer.lanes <= layer.neurons for layer in plan.layers] == [True] * len(made.layers)
    assert max(layer.tick_clocks for layer in plan.layers) <= 32  # digits' 8 lanes made it 64 of 512 neurons
    # A board's lanes are its own, but for networks that have fewer neurons.
    assert board_plan(load_config("digits"), made, board("ulx3s")).layers


def test_a_network_of_the_configuration_s_sizes_has_its_lanes():
    config = load_config("digits")
    made = random_network(1, widths=(96, 24), shape=(8, 8))
    lanes = [layer.lanes for layer in make_plan_for(config, made, "generic").layers]
    assert lanes == list(config.hardware.lanes)


@pytest.mark.parametrize(
    ("out", "file", "parent"),
    [(".", "here.toml", ".."), ("sub", "sub/sub.toml", "."), ("..", "../top.toml", "../..")],
)
def test_the_folder_s_name_is_the_configuration_s(out, file, parent, tmp_path, capsys, monkeypatch):
    place = tmp_path / "top" / "here"
    place.mkdir(parents=True)
    source = write(tmp_path / "net.nir", network([64, 12, 10]))
    monkeypatch.chdir(place)
    assert run("import", source, "--out", out) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == f"next: twinspike sim --config {file} --out {parent}"
    assert (place / file).is_file()
    assert run("golden", "--config", file, "--out", parent, "--frames", 3) == 0


def refused(capsys, tmp_path, *arguments):
    assert run("import", *arguments, "--out", tmp_path / "o") == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and not (tmp_path / "o").exists()
    return shown.err


def test_timesteps_out_of_range_or_beside_spikes_are_refused(tmp_path, capsys):
    file = write(tmp_path / "net.nir", network([64, 12, 10]))
    for steps in (0, 1024, -1):
        assert f"'--timesteps': '{steps}' is not an integer in 1..1023" in refused(
            capsys, tmp_path, file, "--timesteps", steps
        )
    data = frames(tmp_path / "d.npz", 64)
    assert "have 10 steps, which decide: leave --timesteps out" in refused(
        capsys, tmp_path, file, "--timesteps", 10, "--calibration", data
    )
    images = np.random.default_rng(0).integers(0, 256, (20, 64), dtype=np.uint8)
    np.savez(tmp_path / "i.npz", images=images)
    arguments = (file, "--timesteps", 5, "--calibration", tmp_path / "i.npz", "--out", tmp_path / "o")
    assert run("import", *arguments) == 0
    assert load_network(tmp_path / "o/network.safetensors").timesteps == 5


def test_a_layer_that_the_import_silences_is_named(tmp_path, capsys):
    made = network([20, 16, 6])
    spikes = np.random.default_rng(1).random((10, 40, 20)) < 0.3
    own = run_layers(float_layers(made), spikes)
    recorded = {"original0": own[0], "original1": np.ones((10, 40, 6), bool)}
    file = write(tmp_path / "net.nir", made)
    np.savez(tmp_path / "d.npz", spikes=spikes, **recorded)
    assert run("import", file, "--calibration", tmp_path / "d.npz", "--out", tmp_path / "a") == 0
    assert "layer 'fc1, lif1' spikes 0." in capsys.readouterr().err
    made["nodes"]["lif1"]["v_threshold"][:] = 1e3
    file = write(tmp_path / "dead.nir", made)
    assert run("import", file, "--calibration", tmp_path / "d.npz", "--out", tmp_path / "b") == 1
    shown = capsys.readouterr()
    # Beside it a progress bar, if the machine is slow.
    assert shown.err.count("warning: ") == 1
    line = "layer 'fc1, lif1' never spikes in the import, but 10 times a neuron and frame in the original"
    assert line in shown.err
    table = json.loads((tmp_path / "b/drift.json").read_text())
    assert table["dead"] and table["warnings"][0] in (tmp_path / "b/drift.md").read_text()
    np.savez(tmp_path / "d.npz", spikes=spikes)
    # The import is true to a network that is dead itself: a warning.
    assert run("import", file, "--calibration", tmp_path / "d.npz", "--out", tmp_path / "c") == 0
    line = "layer 'fc1, lif1' never spikes in the import, nor does it in the float import"
    assert line in capsys.readouterr().err


def test_a_layer_that_loses_many_neurons_or_spikes_anew_is_named():
    from twinspike.model.imports.drift import Rung
    from twinspike.model.imports.silence import silence

    alive, few, none = np.ones((4, 5, 8), bool), np.ones((4, 5, 8), bool), np.zeros((4, 5, 8), bool)
    few[..., 3:] = False
    found = silence(Rung("original", (alive, alive, none)), Rung("i", (alive, few, alive)), ["a", "b", "c"])
    assert not found.dead and len(found.lines) == 2
    assert found.lines[0].startswith("layer 'b': 5 of the 8 neurons that spike in the original never do")
    assert found.lines[1].startswith("layer 'c' spikes in the import, but never in the original")


def test_a_file_in_steps_is_imported_alive_and_its_unit_is_said(tmp_path, capsys):
    file = write(tmp_path / "net.nir", network([20, 16, 6], tau=8.0, r=8.0))
    assert run("import", file, "--calibration", frames(tmp_path / "d.npz", 20), "--out", tmp_path / "o") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "time unit: a step is 1 s in the file (guessed" in shown
    assert load_network(tmp_path / "o/network.safetensors").provenance["dt"] == 1.0
    table = json.loads((tmp_path / "o/drift.json").read_text())
    first, last = table["rungs"][0]["layers"], table["rungs"][-1]["layers"]
    assert [a["spikes"] for a in last] == pytest.approx([a["spikes"] for a in first], rel=0.15)
    assert all(a["distance"] < a["spikes"] * 3 for a in last)


def test_a_leak_that_becomes_another_is_said(tmp_path, capsys):
    file = write(tmp_path / "net.nir", network([20, 6], tau=1e-4 / 0.7, r=1 / 0.7))  # keeps 0.3
    assert run("import", file, "--calibration", frames(tmp_path / "d.npz", 20), "--out", tmp_path / "o") == 0
    assert "what a membrane keeps a step, 0.3, becomes 0.5" in " ".join(capsys.readouterr().out.split())


def labelled(rng, noise):
    """Frames of two classes; what trains is labelled at random if `noise`, what judges never is."""
    labels = rng.integers(0, 2, 240)
    rate = np.where(np.arange(16) < 8, 0.05, 0.3)
    spikes = rng.random((10, 240, 16)) < np.where(labels[:, None] == 1, rate[::-1], rate)
    given = labels.copy()
    if noise:
        given[:120] = 1 - labels[:120]
    return Data(Frames(spikes[:, :120], given[:120]), Frames(spikes[:, 120:], given[120:]), (16,), "made")


@pytest.mark.parametrize("noise", [False, True])
def test_fine_tuning_is_kept_only_if_it_helps_on_frames_held_out(noise, monkeypatch):
    data = labelled(np.random.default_rng(3), noise)
    monkeypatch.setattr("twinspike.model.imports.frames.dataset_frames", lambda config, most: data)
    rng = np.random.default_rng(5)
    # Untrained: chance. Wrong labels make it worse than that: kept or not, both figures are said.
    weight = rng.normal(0.1, 0.4, (2, 16))
    if noise:  # half right before it is trained on labels that are all wrong
        weight = np.where((np.arange(16) < 8) == np.array([[False], [True]]), 0.5, -0.1)
    made = graph(a=affine(weight), b=lif(2))
    options = ImportOptions(finetune=True, epochs=30, progress=False)
    found, table, notes = import_graph(made, "n", load_config("digits"), options, {})
    tuning = table["finetuning"]
    assert tuning["held_out"] == 60 and table["frames"] == 60
    assert tuning["kept"] == (tuning["after"] > tuning["before"]) == (not noise)
    (line,) = [note for note in notes if note.startswith("fine-tuning: ")]
    assert f"{tuning['after']:.2%}" in line and f"{tuning['before']:.2%}" in line
    assert line.endswith("NOT kept") == noise
    judge = data.test.take(slice(0, None, 2))
    right = golden.run(found, judge.spikes).spikes[-1].sum(axis=0).argmax(axis=1) == judge.labels
    assert right.mean() == max(tuning["after"], tuning["before"])
    assert table["network_hash"] == found.content_hash


def test_what_fits_nothing_is_said_to_be_unused(tmp_path, capsys):
    made = counting(random_network(4, shape=(8, 8), encoder=Threshold(), reset="zero"))
    made.save(tmp_path / "n.safetensors")
    assert run("export-nir", tmp_path / "n.safetensors", tmp_path / "n.nir", "--config", "digits") == 0
    assert "spikes in 200 frames (test images of digits)" in capsys.readouterr().out
    assert run("import", tmp_path / "n.nir", "--finetune", "--out", tmp_path / "o") == 0
    assert "--calibration and --finetune are not used" in capsys.readouterr().out


def test_a_network_of_maps_is_imported_reported_and_emitted(tmp_path, capsys):
    """Channel-first in the file, a pool in it, more steps than bytes count: all of it comes in."""
    rng = np.random.default_rng(0)
    nodes = {
        "input": {"type": "Input", "shape": np.array([2, 8, 8])},
        "conv": {"type": "Conv2d", "weight": rng.normal(0.2, 0.5, (4, 2, 3, 3)), "bias": np.zeros(4)},
        "if0": {"type": "IF", "r": np.ones((4, 8, 8)), "v_threshold": np.ones((4, 8, 8))},
        "pool": {"type": "SumPool2d", "kernel_size": np.array([2, 2]), "stride": np.array([2, 2])},
        "flat": {"type": "Flatten"},
        "fc": affine(rng.normal(0.05, 0.3, (3, 64))),
        "if1": {"type": "IF", "r": np.ones(3), "v_threshold": np.ones(3)},
        "output": {"type": "Output"},
    }
    nodes["conv"] |= {"stride": 1, "padding": 1, "dilation": 1, "groups": 1, "input_shape": np.array([8, 8])}
    nodes["pool"]["padding"] = np.array([0, 0])
    file = write(tmp_path / "net.nir", {"nodes": nodes, "edges": list(itertools.pairwise(nodes))})
    data = frames(tmp_path / "d.npz", 128, steps=260, count=12)
    assert run("import", file, "--calibration", data, "--weight-bits", 6, "--out", tmp_path / "o") == 0
    made = load_network(tmp_path / "o/network.safetensors")
    assert made.timesteps == 260 and made.shape == (8, 8, 2) and made.readout == "counts"
    assert [layer.kind for layer in made.layers] == ["conv", "dense"]
    assert made.layers[1].inputs == 256  # the pool is folded into it
    rungs = json.loads((tmp_path / "o/drift.json").read_text())["rungs"]
    assert rungs[-1]["rung"] == "integer network" and rungs[-1]["layers"][0]["overlap"] > 0.8
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("next: ")]
    assert main(shlex.split(line.removeprefix("next: "))[1:]) == 0


def test_a_network_of_maps_is_fine_tuned_with_the_pool_that_it_keeps(monkeypatch):
    """A convolution, and one with a border behind windows that leave a row over: kept, trained and learnt."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    left = np.arange(7 * 6).reshape(7, 6) % 6 < 3
    rate = np.where(left, 0.35, 0.1).reshape(-1)
    mirrored = np.where(left, 0.1, 0.35).reshape(-1)
    spikes = rng.random((8, 200, 42)) < np.where(labels[:, None] == 1, mirrored, rate)
    parts = [Frames(spikes[:, part], labels[part]) for part in (slice(0, 120), slice(120, None))]
    data = Data(*parts, (7, 6), "made")
    monkeypatch.setattr("twinspike.model.imports.frames.dataset_frames", lambda config, most: data)
    convs = {"stride": 1, "dilation": 1, "groups": 1}
    nodes = {
        "input": {"type": "Input", "shape": np.array([1, 7, 6])},
        "conv0": {"type": "Conv2d", "weight": rng.normal(0.3, 0.3, (3, 1, 3, 3)), "padding": 1} | convs,
        "if0": {"type": "IF", "r": np.ones((3, 7, 6)), "v_threshold": np.ones((3, 7, 6))},
        "pool": {"type": "SumPool2d", "kernel_size": np.array([2, 2]), "stride": np.array([2, 2])},
        "conv1": {"type": "Conv2d", "weight": rng.normal(0.05, 0.3, (4, 3, 3, 3)), "padding": 1} | convs,
        "if1": {"type": "IF", "r": np.ones((4, 3, 3)), "v_threshold": np.full((4, 3, 3), 2.0)},
        "flat": {"type": "Flatten"},
        "fc": affine(rng.normal(0.05, 0.4, (2, 36))),
        "if2": {"type": "IF", "r": np.ones(2), "v_threshold": np.ones(2)},
        "output": {"type": "Output"},
    }
    nodes["pool"]["padding"] = np.array([0, 0])
    made = {"nodes": nodes, "edges": list(itertools.pairwise(nodes))}
    options = ImportOptions(dt=1.0, weight_bits=5, finetune=True, epochs=40, progress=False)
    found, table, _ = import_graph(made, "n", load_config("digits"), options, {})
    assert [layer.kind for layer in found.layers] == ["conv", "pool", "conv", "dense"]
    tuning = table["finetuning"]
    assert tuning["kept"] and tuning["after"] > 0.9 > tuning["before"]
    judge = data.test.take(slice(0, None, 2))
    counts = golden.run(found, judge.spikes).spikes[-1].sum(axis=0)
    assert (counts.argmax(axis=1) == judge.labels).mean() == tuning["after"]
    assert [len(rung["layers"]) for rung in table["rungs"]] == [3] * 6 and len(table["layers"]) == 3
