"""An import's configuration names devices that hold its core, so that the steps after it can run."""

import dataclasses

import numpy as np
from support.maps import network_of, random_conv
from support.networks import counting, random_layer, random_network

from twinspike.config import load_config
from twinspike.flow.exchange import _toml
from twinspike.flow.fitting import fits, fitting_targets
from twinspike.flow.plans import make_plan_for
from twinspike.hw.settings import HardwareSettings


def of_maps(sides, filters):
    rng = np.random.default_rng(0)
    first = random_conv(rng, (*sides, 2), filters, (3, 3))
    first = dataclasses.replace(first, spec=dataclasses.replace(first.spec, weight_bits=6, state_bits=20))
    layers = [first, random_layer(rng, first.neurons, 5)]
    return counting(network_of(layers, (*sides, 2)))


def test_small_networks_keep_the_usual_targets():
    assert fitting_targets(random_network(4, shape=(8, 8))) == HardwareSettings().targets


def test_a_configuration_names_only_devices_that_hold_the_core(tmp_path):
    network = of_maps((34, 34), 16)
    targets = fitting_targets(network)
    assert targets and targets != HardwareSettings().targets
    assert all(fits(network, target) for target in targets) and not fits(network, "up5k")
    (tmp_path / "c.toml").write_text(_toml(network, load_config("digits")))
    config = load_config(str(tmp_path / "c.toml"))
    assert config.hardware.targets == targets
    assert [make_plan_for(config, network, target).target for target in targets] == list(targets)


def test_the_usual_ones_stay_where_none_is_large_enough(monkeypatch):
    monkeypatch.setattr("twinspike.flow.fitting.fits", lambda network, target: False)
    assert fitting_targets(random_network(4, shape=(8, 8))) == HardwareSettings().targets
