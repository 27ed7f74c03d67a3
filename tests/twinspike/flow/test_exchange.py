"""`twinspike import`, `export-nir` and `export-qonnx` as users meet them."""

import json

import h5py
import numpy as np
import pytest
from support.graphs import affine, graph, lif, small_graph, write
from support.networks import counting, random_network

from twinspike.cli.main import main
from twinspike.numerics.encodings import Latency
from twinspike.quant.network_file import load_network

TOML = 'dataset = "digits"\ntimesteps = 6\n[encoder]\nkind = "rate"\n[[layers]]\nneurons = 9\n'


@pytest.fixture
def net(tmp_path):
    """A file of decay 0.9 (no power of two), and a configuration of digits."""
    rng = np.random.default_rng(0)
    made = graph(
        fc0=affine(rng.normal(0.05, 0.2, (12, 64))),
        lif0=lif(12, tau=1e-3, r=10.0),
        fc1=affine(rng.normal(0.1, 0.5, (10, 12))),
        lif1=lif(10, tau=1e-3, r=10.0),
    )
    (tmp_path / "c.toml").write_text(TOML)
    return write(tmp_path / "net.nir", made), str(tmp_path / "c.toml")


def run(*arguments):
    return main([str(a) for a in arguments])


def test_import_writes_network_report_and_configuration(net, tmp_path, capsys):
    file, config = net
    out = tmp_path / "build" / "mine"
    assert run("import", file, "--config", config, "--out", out) == 0
    network = load_network(out / "network.safetensors")
    assert (network.readout, network.timesteps, network.shape) == ("counts", 6, (8, 8))
    table = json.loads((out / "drift.json").read_text())
    assert [row["rung"] for row in table["rungs"]] == [
        "float import",
        "leak 2^-k",
        "reset of the core",
        "integer weights",
        "integer network",
    ]
    assert table["network_hash"] == network.content_hash
    assert table["rungs"][0]["layers"][0]["differ"] == 0 < table["rungs"][-1]["layers"][0]["differ"]
    assert table["layers"][0]["leak_shift"] in (2, 3, 4)
    report = (out / "drift.md").read_text()
    assert "| integer network |" in report and "held against the float import" in report
    shown = capsys.readouterr().out
    assert "accuracy" in shown and f"twinspike sim --config {out / 'mine.toml'}" in shown
    assert run("golden", "--config", out / "mine.toml", "--out", out.parent, "--frames", 3) == 0


def test_frames_of_a_file_with_recorded_spikes(net, tmp_path):
    file, config = net
    rng = np.random.default_rng(1)
    spikes = rng.random((5, 40, 64)) < 0.3
    recorded = {"original0": rng.random((5, 40, 12)) < 0.2, "original1": rng.random((5, 40, 10)) < 0.2}
    np.savez(tmp_path / "d.npz", spikes=spikes, labels=np.arange(40) % 10, **recorded)
    assert (
        run("import", file, "--config", config, "--calibration", tmp_path / "d.npz", "--out", tmp_path / "o")
        == 0
    )
    table = json.loads((tmp_path / "o" / "drift.json").read_text())
    assert (table["against"], table["frames"], table["timesteps"]) == ("original", 20, 5)
    assert table["rungs"][1]["layers"][0]["differ"] > 0  # what was recorded is noise
    assert load_network(tmp_path / "o" / "network.safetensors").timesteps == 5


def test_a_reset_a_step_late_is_a_cost_of_its_own(net, tmp_path):
    file, config = net
    assert (
        run("import", file, "--config", config, "--reset", "subtract-delayed", "--out", tmp_path / "o") == 0
    )
    table = json.loads((tmp_path / "o" / "drift.json").read_text())
    _, leak, reset, *_ = table["rungs"]
    assert leak["layers"][0]["differ"] != reset["layers"][0]["differ"]
    assert load_network(tmp_path / "o" / "network.safetensors").layers[0].spec.reset == "subtract"


def test_export_and_import_give_the_same_network(tmp_path, capsys):
    network = counting(random_network(4, shape=(8, 8), encoder=Latency(threshold=32), reset="zero"))
    network.save(tmp_path / "n.safetensors")
    assert run("export-nir", tmp_path / "n.safetensors", tmp_path / "n.nir") == 0
    assert run("import", tmp_path / "n.nir", "--out", tmp_path / "o") == 0
    said = capsys.readouterr().out
    assert "exported by twinspike and unchanged" in said
    assert f"next: twinspike sim --config {tmp_path / 'o/o.toml'} --out {tmp_path}\n" in said
    assert run("golden", "--config", tmp_path / "o/o.toml", "--out", tmp_path, "--frames", 3) == 0
    assert (tmp_path / "o/network.safetensors").read_bytes() == (tmp_path / "n.safetensors").read_bytes()


def test_export_as_qonnx(tmp_path):
    random_network(4).save(tmp_path / "n.safetensors")
    assert run("export-qonnx", tmp_path / "n.safetensors", tmp_path / "n.onnx") == 0
    assert (tmp_path / "n.onnx").stat().st_size > 500


def refused(capsys, out, *arguments):
    assert run(*arguments, "--out", out) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and not out.exists()
    return shown.err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"spikes": np.zeros((5, 4, 7), bool)}, "the network takes 64 inputs, the calibration data have 7"),
        ({"spikes": np.zeros((5, 1, 64), bool)}, "1 frames of 5 steps: expected 2 or more"),
        ({"spikes": np.full((5, 4, 64), 2)}, "expected 0 and 1, [T, B, neurons]"),
        ({"images": np.zeros((4, 8, 8))}, "images dtype = 'float64' is not allowed: expected uint8"),
        ({"images": np.zeros((4, 8, 8), np.uint8), "labels": np.zeros(3, int)}, "labels = 'int64 [3]'"),
        ({"x": np.zeros(3)}, "array 'x' is unknown: allowed are images, spikes, labels, original0..15"),
        ({"spikes": np.array([None], object)}, "is not a sound .npz file"),
        ({}, "expected either images [B, ...] or spikes"),
    ],
)
def test_bad_frames_are_one_line(net, tmp_path, capsys, arrays, message):
    np.savez(tmp_path / "d.npz", **arrays)
    found = refused(
        capsys, tmp_path / "o", "import", net[0], "--config", net[1], "--calibration", tmp_path / "d.npz"
    )
    assert message in found


def test_bad_files_and_options_are_one_line(net, tmp_path, capsys):
    file, config = net
    out = tmp_path / "o"
    assert "cannot read a NIR file" in refused(capsys, out, "import", tmp_path / "no.nir")
    (tmp_path / "t.nir").write_text("x")
    assert "is not a sound NIR file" in refused(capsys, out, "import", tmp_path / "t.nir")
    assert "1 time constants" not in refused(capsys, out, "import", file, "--dt", "1", "--config", config)
    made = small_graph(np.random.default_rng(0))
    made["nodes"]["lif1"] = {"type": "LI"}
    bad = write(tmp_path / "li.nir", made)
    assert "node 'lif1' (LI) cannot be mapped: it gives no spikes" in refused(capsys, out, "import", bad)
    with h5py.File(file, "a") as f:
        del f["node/nodes/lif0/tau"]
    assert "node 'lif0' (LIF) cannot be mapped: its tau is missing" in refused(
        capsys, out, "import", file, "--config", config
    )
    random_network(1, reset="subtract").save(tmp_path / "n.safetensors")
    assert run("export-nir", tmp_path / "n.safetensors", tmp_path / "n.nir") == 2
    assert "reset" in capsys.readouterr().err and not (tmp_path / "n.nir").exists()


def test_finetuning_needs_labels_that_name_outputs(net, tmp_path, capsys):
    file, config = net
    np.savez(tmp_path / "d.npz", spikes=np.ones((5, 8, 64), bool))
    arguments = ("import", file, "--config", config, "--calibration", tmp_path / "d.npz", "--finetune")
    assert "--finetune needs labels" in refused(capsys, tmp_path / "o", *arguments)
    np.savez(tmp_path / "d.npz", spikes=np.ones((5, 8, 64), bool), labels=np.full(8, 11))
    assert "labels run from 11 to 11, but the network has 10 outputs" in refused(
        capsys, tmp_path / "o", *arguments
    )
