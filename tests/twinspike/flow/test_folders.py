import dataclasses

import pytest
from support.networks import random_network

from twinspike.config import load_config
from twinspike.flow.folders import GENERIC, find_network, folders, pretrained
from twinspike.numerics.errors import TwinspikeError


def test_the_portable_core_lies_in_the_build_folder_and_devices_beside_it(tmp_path):
    place = folders(str(tmp_path), "mnist")
    root = tmp_path / "mnist"
    assert place.network == root / "network.safetensors"
    assert (place.rtl(GENERIC), place.rtl("up5k")) == (root / "rtl", root / "up5k" / "rtl")
    assert (place.sim(GENERIC), place.sim("up5k")) == (root / "sim", root / "up5k" / "sim")
    assert place.sim_report(GENERIC) == root / "sim.json"
    assert place.sim_report("up5k") == root / "up5k" / "sim" / "sim.json"
    assert place.synth("ecp5-25k") == root / "ecp5-25k" / "synth"


def test_a_trained_network_is_preferred_to_the_shipped_one(tmp_path, capsys):
    place, config = folders(str(tmp_path), "mnist"), load_config("mnist")
    made = {"config": {"name": "mnist", **config.training_table()}, "seed": 9}
    dataclasses.replace(random_network(9), provenance=made).save(place.network)
    assert find_network(place, config).provenance["seed"] == 9
    assert capsys.readouterr().out == ""


def test_the_shipped_network_is_copied_with_its_metrics(tmp_path, capsys):
    place, config = folders(str(tmp_path), "mnist"), load_config("mnist")
    network = find_network(place, config)
    assert network.shape == (28, 28)
    assert "using the trained network that ships with twinspike" in capsys.readouterr().out
    source = pretrained(config)
    assert source.name == "mnist"
    for name in ("network.safetensors", "metrics.json"):
        assert (place.build / name).read_bytes() == (source / name).read_bytes()


def test_without_either_the_error_says_how_to_train(tmp_path):
    config = load_config("mnist").changed("nobody", seed=77)
    with pytest.raises(TwinspikeError, match=r"train it first: twinspike train --config nobody --out "):
        find_network(folders(str(tmp_path), "nobody"), config)
    assert list(tmp_path.iterdir()) == []
