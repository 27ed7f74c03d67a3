"""The published methods: what their networks and controls differ in, and how their figures are judged."""

import dataclasses

import numpy as np
import pytest
from support.networks import random_network

from twinspike.config import load_config
from twinspike.model.data.dataset import Dataset
from twinspike.model.network.network import SpikingNetwork
from twinspike.model.rules.base import Means, make_rule
from twinspike.model.rules.ranks import Ranks
from twinspike.sim import golden
from twinspike.study.methods import dcls, proxy, sew, sharing, speech, stereospike, stidi
from twinspike.study.methods.registry import METHODS
from twinspike.study.methods.training import by_surrogate, weights_of, with_changes

CORE = {"sim": [{"mismatches": 0, "faults": 0, "cycles_predicted_equal": True}]}


def figures(method, **accuracies):
    """Made figures of each part of a method: an accuracy of its own where its name has the word."""
    found = {}
    for part in METHODS[method].parts:
        score = next((value for word, value in accuracies.items() if word in part.name), 0.5)
        found[part.name] = {"accuracy": score, "weights": 10, "weight_memory_bits": 40, "core": CORE}
    return found


def met(method, parts):
    return [goal.met for goal in METHODS[method].goals(parts)]


def weights(network):
    return [synapses.weight.numel() for synapses in network.synapses]


def test_controls_differ_in_their_rule_alone():
    mine, other = load_config("proxy"), with_changes("proxy", "control", proxy.CONTROL)
    assert (mine.layers, mine.encoder, mine.timesteps) == (other.layers, other.encoder, other.timesteps)
    assert (mine.training.rule, other.training.rule) == ("proxy", "surrogate")
    for config, passes in (("proxy", other.training.epochs), ("proxy-cifar10", proxy.CONTROL_PASSES)):
        assert load_config(config).training.epochs // 2 == passes


@pytest.mark.parametrize("name", ["bs4nn", "bs4nn-fashion", "s4nn", "stidi", "stidi-fashion"])
def test_networks_that_learn_by_firing_times_have_a_control_of_their_size(name):
    config = load_config(name)
    mine, other = (SpikingNetwork(x, (28, 28)) for x in (config, by_surrogate(config)))
    make_rule(mine, Means(config.training, Ranks()))  # refuses what it cannot train
    assert weights(mine) == weights(other)
    assert all(layer.level is not None and layer.spec.single_spike for layer in mine.synapses)
    assert all(layer.level is None and layer.spec.single_spike for layer in other.synapses)


def test_binary_convolutions_have_real_ones_beside():
    config = with_changes("stidi", "8-bits", stidi.REAL)
    make_rule(SpikingNetwork(config, (28, 28)), Means(config.training, Ranks()))
    assert [layer.weight_bits for layer in config.layers] == [8, 8, 8]
    assert {layer.weight_bits for layer in load_config("stidi").layers} == {1}


def test_layers_share_one_tensor_or_have_their_own():
    shared = SpikingNetwork(load_config("sharing"), (28, 28))
    apart = SpikingNetwork(with_changes("sharing", "unshared", sharing.OWN), (28, 28))
    owner, *others = shared.synapses[1:5]
    assert all(layer.weight is owner.weight for layer in others)
    assert len({id(layer.weight) for layer in apart.synapses}) == len(apart.synapses)
    assert weights(shared) == weights(apart)


def test_weights_that_are_shared_count_once():
    network = random_network(widths=(6, 6))
    first, second = network.layers
    second = dataclasses.replace(second, weight=first.weight, spec=first.spec, weights_of=0)
    found = weights_of(dataclasses.replace(network, layers=(first, second)))
    assert found == {"weights": 36, "weight_memory_bits": 36 * first.spec.weight_bits}


def test_taps_have_a_third_of_the_weights_of_a_dense_kernel():
    taps = SpikingNetwork(load_config(dcls.SPACE), (28, 28))
    kernels = SpikingNetwork(dcls.dense_kernels(dcls.SPACE), (28, 28))
    for few, all_of_them in zip(taps.synapses[:2], kernels.synapses[:2], strict=True):
        assert few.geometry.shape == all_of_them.geometry.shape
        assert 0.3 < few.weight.numel() / all_of_them.weight.numel() < 0.35
    time = SpikingNetwork(load_config(dcls.TIME), (33, 32, 12))
    steps = SpikingNetwork(with_changes(dcls.TIME, "all", dcls.ALL_STEPS), (33, 32, 12))
    assert 3 * time.synapses[0].weight.numel() == steps.synapses[0].weight.numel()
    delays = steps.stages[0].placed().delay
    assert delays.max() == load_config(dcls.TIME).layers[0].reach and (delays[0] == range(9)).all()


@pytest.mark.parametrize("variant", sew.VARIANTS)
def test_blocks_have_the_convolutions_of_one_depth(variant):
    config = sew.blocks(variant, 2)
    network = SpikingNetwork(config, (10, 34, 34, 2))
    kinds = [synapses.geometry.kind for synapses in network.synapses]
    singles = 7 if variant == sew.BEHIND else 0
    assert config.seed == 2 and kinds.count("conv") == 8 + singles
    assert {stage.geometry.shape for stage in network.stages[:-1]} == {(9, 9, 8)}
    combined = {stage.wiring.combine for stage in network.stages}
    assert combined == ({"add", variant} if variant in (sew.AND, sew.IAND) else {"add"})


def test_a_block_sees_what_the_one_before_saw_and_made():
    behind = sew.blocks(sew.BEHIND, 1).layers
    assert [layer.sources for layer in behind[1:5]] == [(), (0, 1), (), (2, 3)]
    without = sew.blocks(sew.IAND, 1).layers
    # Spikes that the block saw and did not make: the first source's without the second's.
    assert (without[2].kind, without[2].sources, without[2].combine) == ("pool", (0, 1), "iand")


@pytest.mark.parametrize("name", [speech.WORDS, speech.DIGITS])
def test_convolutions_are_causal_and_dilated_ever_further(name):
    config = load_config(name)
    network = SpikingNetwork(config, (config.timesteps, 32, 1, 12))
    delays = [stage.placed().delay for stage in network.stages if stage.geometry.kind == "delay"]
    assert [delay[0].tolist() for delay in delays] == [[0, 1, 2], [0, 3, 6], [0, 6, 12]]
    assert [synapses.geometry.shape for synapses in network.synapses] == [
        (8, 1, 16),
        (8, 1, 32),
        (8, 1, 32),
        (10,),
    ]
    assert network.layers[-1].sums and network.synapses[-1].spec.forget


def test_variants_of_the_speech_network_differ_in_one_thing():
    shipped, still, free = speech.variants(speech.WORDS).values()
    leaks = [[layer.leak_shift for layer in c.layers if layer.kind == "conv"] for c in (shipped, still, free)]
    assert leaks == [[3, 3, 3], [0, 0, 0], [3, 3, 3]]
    weights = [config.training.activity_weight for config in (shipped, still, free)]
    assert weights[:2] == [8.0, 8.0] and weights[2] == 0


def test_rates_are_spikes_of_a_neuron_and_step():
    network = random_network(widths=(6, 5, 4, 3))
    images = np.random.default_rng(0).integers(0, 256, (20, *network.shape), np.uint8)
    trains = golden.run(network, network.encode(images)).spikes[:-1]
    found = speech.rates(network, Dataset("made", images, np.zeros(20), images, np.zeros(20), {}))
    assert found["rates"] == pytest.approx([train.mean() for train in trains])
    assert found["rate"] == pytest.approx(np.concatenate(trains, axis=2).mean()) and found["rate"] > 0


def test_the_depth_network_has_a_disparity_for_each_pixel():
    config = stereospike.configuration(4.0)
    network = SpikingNetwork(config, (stereospike.STEPS, *stereospike.SIZE, 4))
    shapes = [stage.geometry.shape[:2] for stage in network.stages]
    full, half, quarter = (tuple(side // n for side in stereospike.SIZE) for n in (1, 2, 4))
    assert shapes == [full, half, quarter, quarter, half, half, full, full, full]
    assert network.stages[-1].geometry.shape[2] == 1 and network.layers[-1].sums


def test_a_camera_that_is_turned_in_sees_everything_further_right():
    spikes = np.random.default_rng(0).integers(0, 2, (2, 3, 40, 4)).astype(np.uint8)
    turned, half = stereospike.turned_in(spikes), stereospike.MOST // 2
    assert np.array_equal(turned[..., :2], spikes[..., :2]) and not turned[..., :half, 2:].any()
    assert np.array_equal(turned[..., half:, 2:], spikes[..., :-half, 2:])


def test_verdicts_on_speech_and_depth_follow_from_figures():
    parts = figures("speech", left=0.8, published=0.95, leak=0.9, cost=0.94, keywords=0.93)
    for row in parts.values():
        row |= {"rate": 0.02, "test": 300}
    assert met("speech", parts) == [True, True, True, True, True, False, True, True]
    parts[speech.KEYWORDS] |= {"accuracy": 0.9, "rate": 0.05}
    assert met("speech", parts) == [False, False, False, True, True, False, True, True]
    row = {"error": 0.9, "error_matching": 1.0, "rates": [0.02, 0.09], "pixels": 5, "core": CORE}
    assert met("stereospike", {stereospike.MATCHED: row}) == [True, True, True]
    row |= {"error": 1.0, "rates": [0.02, 0.1]}
    assert met("stereospike", {stereospike.MATCHED: row}) == [False, False, True]


def test_verdicts_follow_from_figures():
    assert met("proxy", figures("proxy", control=0.91, Fashion=0.93, CIFAR=0.92)) == [True] * 5
    assert met("proxy", figures("proxy", control=0.92, Fashion=0.915, CIFAR=0.93)) == [
        *(False, False, True),
        *(True, True),
    ]
    parts = figures("sharing", control=0.9, shared=0.89)
    parts["control, not shared"] |= {"accuracy": 0.9, "weights": 40}
    assert met("sharing", parts) == [True, True, True]
    parts["shared"]["accuracy"] = 0.87
    assert met("sharing", parts) == [False, True, True]
    assert met("dcls", figures("dcls", control=0.9, Fashion=0.898, keywords=0.896)) == [
        True,
        False,
        True,
        True,
    ]
    # Accuracies by a word of the part's name; MNIST is in all of them.
    parts = figures("bs4nn", Fashion=0.874, MNIST=0.969)
    for row in parts.values():
        row["accuracy_ties_right"] = row["accuracy"] + 0.002
    assert met("bs4nn", parts) == [*(False, True), *(True, True), *(True, True)]
    found = met("sew", figures("sew", behind=0.8, shortcuts=0.9, add=0.9, **{"iand": 0.7, "and": 0.95}))
    assert found == [*(True, False), *(True, True), *(False, False), True]
