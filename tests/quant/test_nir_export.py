"""Integers to NIR and back: the same network, whatever tool wrote the file in between."""

import dataclasses

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.maps import network_of, random_conv
from support.networks import counting, random_network

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.dialects import DIALECTS
from twinspike.quant.nir_export import export_nir, nir_graph
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_import import float_layers, reimport, round_network
from twinspike.quant.spec import NeuronSpec


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
    for ours, theirs in zip(network.layers, stages.layers, strict=True):
        for part in ("weight", "bias", "threshold"):
            np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part))
        assert ours.spec.leak_shift == theirs.spec.leak_shift


def test_the_file_is_one_that_the_nir_package_reads_and_writes(tmp_path):
    network = random_network(1, reset="zero")
    export_nir(network, tmp_path / "a.nir")
    nir.write(tmp_path / "b.nir", nir.read(tmp_path / "a.nir"))
    assert reimport(read_graph(tmp_path / "b.nir")).content_hash == network.content_hash


def test_changed_parameters_win_over_the_metadata():
    network = random_network(1, reset="zero")
    graph = nir_graph(network)
    graph.nodes["synapses0"].weight[0, 0] = 0 if network.layers[0].weight[0, 0] else 1
    changed = reimport(graph.to_dict())
    assert changed.layers[0].weight[0, 0] != network.layers[0].weight[0, 0]
    graph.nodes["synapses0"].weight[0, 0] += 0.25
    assert reimport(graph.to_dict()) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"reset": "subtract"}, r'layers\.0\.reset = "subtract" cannot be written as NIR, whose neurons'),
        ({"reset": "zero", "single_spike": True}, r"layers\.0\.single_spike = true cannot be written as NIR"),
    ],
)  # fmt: skip
def test_what_nir_cannot_express_is_refused(tmp_path, spec, message):
    with pytest.raises(TwinspikeError, match=message):
        export_nir(random_network(1, **spec), tmp_path / "n.nir")
    assert not list(tmp_path.iterdir())


def test_dialects_say_what_a_user_must_know():
    assert {d.name for d in DIALECTS.values()} == {"nir", "snntorch", "norse", "spikingjelly"}


def test_maps_held_inputs_and_sources_are_refused():
    conv = random_conv(np.random.default_rng(0), (3, 4, 1), 2, (2, 2), spec=NeuronSpec(reset="zero"))
    network = random_network(reset="zero")
    held = dataclasses.replace(network.layers[0], hold=True)
    for wrong, message in (
        (network_of([conv], (3, 4)),
         "layers.0.kind = 'conv' is not allowed: expected dense, to be written as NIR"),
        (dataclasses.replace(network, layers=(held, network.layers[1])),
         "layers.0.hold cannot be written as NIR: expected a plain chain"),
    ):  # fmt: skip
        with pytest.raises(TwinspikeError) as caught:
            nir_graph(wrong)
        assert str(caught.value) == message
