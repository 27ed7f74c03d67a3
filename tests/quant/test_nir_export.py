"""Integers to NIR and back: the same network, whatever tool wrote the file in between."""

import dataclasses
import itertools

import nir
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.maps import network_of, random_conv
from support.networks import counting, random_layer, random_network

from twinspike.flow.export_check import check
from twinspike.model.imports import frameworks
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.dialects import DIALECTS
from twinspike.quant.layer import relay
from twinspike.quant.nir_export import export_nir, nir_graph
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_import import float_layers, reimport, round_network, run_layers
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.pool import Pool
from twinspike.sim import golden


@st.composite
def networks(draw):
    network = random_network(
        draw(st.integers(0, 10**6)),
        timesteps=draw(st.integers(1, 12)),
        widths=tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))),
        weight_bits=draw(st.integers(1, 8)),
        leak_shift=draw(st.integers(0, 12)),
        state_bits=draw(st.integers(4, 32)),
        reset="zero",
    )
    large = draw(st.integers(1, 2**31 - 1))
    last = network.layers[-1]
    last = dataclasses.replace(last, threshold=np.full_like(last.threshold, large))
    network = dataclasses.replace(network, layers=(*network.layers[:-1], last))
    return counting(network) if draw(st.booleans()) else network


@settings(max_examples=60, deadline=None)
@given(networks())
def test_integers_to_nir_to_integers(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("nir") / "n.nir"
    export_nir(network, path)
    assert reimport(read_graph(path)).content_hash == network.content_hash


@settings(max_examples=30, deadline=None)
@given(networks(), st.sampled_from(["nir", "spikingjelly"]))
def test_the_parameters_alone_give_the_integers_for_both_comparisons(network, dialect):
    bare = nir_graph(network).to_dict()
    del bare["metadata"]
    assert reimport(bare) is None
    spikes = np.random.default_rng(0).random((network.timesteps, 9, network.inputs)) < 0.5
    bits = max(layer.spec.weight_bits for layer in network.layers)
    stages = round_network(float_layers(bare, dialect=dialect), spikes, bits)
    for ours, theirs, rounded in zip(network.layers, stages.layers, stages.rounded, strict=True):
        assert rounded.exact and ours.spec.leak_shift == theirs.spec.leak_shift
        if (ours.threshold == ours.threshold[0]).all():
            np.testing.assert_array_equal(ours.threshold, theirs.threshold)
        # Where thresholds differ in a layer a neuron is known up to a common factor of all its numbers.
        for part in ("weight", "bias"):
            a, b = (np.atleast_2d(getattr(x, part).T).T.astype(np.int64) for x in (ours, theirs))
            np.testing.assert_array_equal(
                a * twelfths(theirs.threshold)[:, None], b * twelfths(ours.threshold)[:, None]
            )


def twelfths(threshold):
    """Twelve times the real threshold that stands for an integer one."""
    return 12 * threshold.astype(np.int64) - 11


FRAMEWORKS = {
    "snntorch": lambda graph: frameworks._snntorch(graph, 1e-4, "zero"),
    "norse": lambda graph: frameworks._norse(graph, 1e-4, "zero"),
    "spikingjelly": lambda graph: frameworks._spikingjelly(graph, 1e-4, "zero"),
}


# SpikingJelly takes no time constant of one step.
LOADED = [
    case for case in itertools.product(FRAMEWORKS, [0, 1, 3, 8, None]) if case != ("spikingjelly", None)
]


@pytest.mark.parametrize(("framework", "leak_shift"), LOADED)
def test_every_framework_loads_the_graph_and_spikes_alike(framework, leak_shift, tmp_path):
    pytest.importorskip(framework)
    forget, leak_shift = leak_shift is None, leak_shift or 0
    network = random_network(
        leak_shift,
        timesteps=12,
        widths=(24, 10),
        shape=(5, 5),
        leak_shift=leak_shift,
        forget=forget,
        state_bits=14,
        reset="zero",
    )
    assert all(len(set(layer.threshold)) > 1 for layer in network.layers)
    export_nir(network, tmp_path / "n.nir")
    spikes = np.random.default_rng(0).random((12, 60, 25)) < 0.4
    expected = golden.run(network, spikes).spikes
    graph = read_graph(tmp_path / "n.nir")
    assert reimport(graph).content_hash == network.content_hash
    real = run_layers(float_layers(graph), spikes)
    with frameworks._quiet():
        module, types = FRAMEWORKS[framework](nir.read(tmp_path / "n.nir"))
        found = frameworks._record(module, types, torch.from_numpy(spikes).float())
    for theirs, ours, integers in zip(found, real, expected, strict=True):
        np.testing.assert_array_equal(theirs, ours)
        assert integers.any()
        if leak_shift == 0:  # no leak, no floor: the real-valued neuron is the integer one
            np.testing.assert_array_equal(theirs, integers)


def test_what_other_tools_lose_is_said(tmp_path):
    for shift, line in ((0, "none of"), (3, "differ from the integers: their leak is not rounded down")):
        network = random_network(2, timesteps=10, widths=(9, 6), shape=(4, 4), leak_shift=shift, reset="zero")
        export_nir(network, tmp_path / "n.nir")
        assert line in check(network, tmp_path / "n.nir", None)
    spikes = network.encode(np.random.default_rng(0).integers(0, 256, (200, 4, 4), dtype=np.uint8))
    found = run_layers(float_layers(read_graph(tmp_path / "n.nir")), spikes)
    expected = golden.run(network, spikes).spikes
    differ = sum(int((a != b).sum()) for a, b in zip(found, expected, strict=True))
    total = sum(int(train.sum()) for train in expected)
    assert f"run it {differ:,} (" in check(network, tmp_path / "n.nir", None)
    assert f"of {total:,} spikes in 200 frames (noise)" in check(network, tmp_path / "n.nir", None)
    with pytest.raises(TwinspikeError, match="--config digits: its images are"):
        check(network, tmp_path / "n.nir", "digits")


def test_the_file_is_one_that_the_nir_package_reads_and_writes(tmp_path):
    network = random_network(1, reset="zero")
    export_nir(network, tmp_path / "a.nir")
    nir.write(tmp_path / "b.nir", nir.read(tmp_path / "a.nir"))
    assert reimport(read_graph(tmp_path / "b.nir")).content_hash == network.content_hash


def test_changed_parameters_win_over_the_metadata():
    network = random_network(1, reset="zero")
    graph = nir_graph(network)
    row = graph.nodes["synapses0"].weight[0]
    other = 1 + int(np.argmax(network.layers[0].weight[0, 1:] != network.layers[0].weight[0, 0]))
    row[0] = row[other]
    changed = reimport(graph.to_dict())
    assert changed.layers[0].weight[0, 0] != network.layers[0].weight[0, 0]
    row[0] += 0.25 * np.abs(row).max() / np.abs(network.layers[0].weight[0]).max()
    assert reimport(graph.to_dict()) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"reset": "subtract"}, r'layers\.0\.reset = "subtract" cannot be written as NIR, whose neurons'),
        ({"reset": "zero", "single_spike": True}, r"layers\.0\.single_spike = true cannot be written as NIR"),
    ],
)
def test_what_nir_cannot_express_is_refused(tmp_path, spec, message):
    with pytest.raises(TwinspikeError, match=message):
        export_nir(random_network(1, **spec), tmp_path / "n.nir")
    assert not list(tmp_path.iterdir())


def test_dialects_say_what_a_user_must_know():
    assert {d.name for d in DIALECTS.values()} == {
        "nir",
        "snntorch",
        "norse",
        "spikingjelly",
        "sinabs",
        "sinabs-unnormed",
        "rockpool",
    }


def test_maps_held_inputs_and_sources_are_refused():
    conv = random_conv(np.random.default_rng(0), (4, 4, 1), 2, (2, 2), spec=NeuronSpec(reset="zero"))
    pool = relay(Pool.over(conv.shape, (3, 3), "sum"))
    network = random_network(reset="zero")
    held = dataclasses.replace(network.layers[0], hold=True)
    for wrong, message in (
        (
            network_of([conv, pool, random_layer(np.random.default_rng(0), 2, 2)], (4, 4)),
            "layers.1.kind = 'pool' is not allowed: expected dense or conv, to be written as NIR",
        ),
        (
            dataclasses.replace(network, layers=(held, network.layers[1])),
            "layers.0.hold cannot be written as NIR: expected a plain chain",
        ),
    ):
        with pytest.raises(TwinspikeError) as caught:
            nir_graph(wrong)
        assert str(caught.value) == message
