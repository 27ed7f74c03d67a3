"""The demonstration of enrolment, on a device that is the golden model and characters that are made up."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from support.networks import random_network

from twinspike.boards import demonstration
from twinspike.config import load_config
from twinspike.flow.folders import folders
from twinspike.host import Slot
from twinspike.model.data.omniglot import Characters
from twinspike.numerics import emd
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.golden import run
from twinspike.sim.siamese import Reference, SiameseCore

SLOTS = 8


class GoldenDevice:
    """What the demonstration asks of a device."""

    def __init__(self, network):
        self.network, self.core = network, SiameseCore(network, SLOTS)
        self.info = SimpleNamespace(slots=SLOTS)

    def counts(self, images):
        spikes = run(self.network, self.network.encode(images)).spikes[-1]
        return emd.cumulative_counts(spikes).transpose(1, 0, 2)

    def clear(self, slot):
        self.core.holds[slot] = False

    def free_slot(self):
        return next((k for k, holds in enumerate(self.core.holds) if not holds), None)

    def enrol(self, slot, label, image):
        self.core.slots[slot] = Reference(self.counts(image[None])[0], label)
        self.core.holds[slot] = True

    def fit_threshold(self, slot, image):
        self.core.slots[slot].threshold = 0

    def classify(self, images):
        for counts in self.counts(images):
            yield self.core.frame(counts)

    def slots(self):
        pairs = zip(self.core.slots, self.core.holds, strict=True)
        return [Slot(k, r.label, holds, r.threshold) for k, (r, holds) in enumerate(pairs)]

    def read_reference(self, slot):
        return self.core.slots[slot].counts

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def made(monkeypatch, tmp_path):
    """A configuration, its folders and a device; drawings of a character are all alike."""
    network = random_network(5, timesteps=4, shape=(6, 6), widths=(24, 20), classes=3)
    rng = np.random.default_rng(2)
    character = np.repeat(np.arange(9), 8)
    patterns = rng.integers(0, 256, (9, 6, 6), dtype=np.uint8)
    drawings = Characters(patterns[character], character, np.tile(np.arange(8), 9), ("a",) * 9)
    device = GoldenDevice(network)
    monkeypatch.setattr(demonstration, "load_characters", lambda *_: drawings)
    monkeypatch.setattr(demonstration, "simulated", lambda *_: (network, _Running()))
    monkeypatch.setattr(demonstration.Device, "open", lambda *_, **__: device)
    config = dataclasses.replace(load_config("omniglot-conv"), name="made")
    return config, folders(str(tmp_path), "made"), device


class _Running:
    port = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_drawings_like_the_known_ones_are_right_and_others_are_unknown(made, capsys):
    config, place, _ = made
    assert demonstration.demonstrate(config, place, "ulx3s", 3_000_000)
    folder = place.build / "enrol-demo"
    found = json.loads((folder / "enrol.json").read_text())
    assert found["different"] == 0
    assert [row["verdict"] for row in found["questions"]] == ["right"] * 35
    assert [row["truth"] for row in found["questions"]] == [
        k for k in (0, 1, 2, 3, 4, -1, -1) for _ in range(5)
    ]
    said = capsys.readouterr().out
    assert "25 right, 0 wrong, 0 unknown" in said and "10 answered as unknown" in said and "0 differ" in said
    assert "data:image/png;base64," in (folder / "index.html").read_text()
    picture = Image.open(folder / "grid.png")
    columns, rows = picture.width // 70, picture.height // 70
    assert (columns, rows) == (6, 7)


def test_another_answer_than_the_golden_models_is_counted(made, capsys):
    config, place, device = made
    classify = device.classify
    device.classify = lambda images: (
        dataclasses.replace(a, distance=a.distance + 1) for a in classify(images)
    )
    assert not demonstration.demonstrate(config, place, "ulx3s", 3_000_000)
    assert "35 differ" in capsys.readouterr().out


def test_it_is_about_omniglot(made):
    _, place, _ = made
    with pytest.raises(TwinspikeError, match="enrol-demo: mnist trains on mnist; choose one of omniglot"):
        demonstration.demonstrate(load_config("mnist"), place, "ulx3s", 3_000_000)
