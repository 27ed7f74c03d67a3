"""Convolutions, pools and scales of NIR graphs on our channel-last maps, held against torch's own layers."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import affine
from support.maps import network_of, random_conv
from support.networks import counting, random_layer
from torch.nn import functional

from twinspike.numerics.encodings import Threshold
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_export import export_nir
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_import import counting_network, float_layers, reimport, round_network, run_layers
from twinspike.quant.spec import NeuronSpec
from twinspike.sim import golden


def spiking(shape, threshold=1.0):
    return {"type": "IF", "r": np.ones(shape), "v_threshold": np.full(shape, threshold)}


def conv(weight, sides, stride=1, padding=0, dilation=1, groups=1, bias=None):
    node = {"type": f"Conv{weight.ndim - 2}d", "weight": weight, "input_shape": np.array(sides)}
    node |= {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return node if bias is None else node | {"bias": bias}


def pool(kind, size, step=None, border=0):
    return {"type": kind, "kernel_size": size, "stride": size if step is None else step, "padding": border}


def chained(shape, *nodes):
    entries = {"input": {"type": "Input", "shape": np.array(shape)}}
    entries |= {str(i): node for i, node in enumerate(nodes)} | {"output": {"type": "Output"}}
    return {"nodes": entries, "edges": list(itertools.pairwise(entries))}


def first_layer(shape, *nodes):
    return float_layers(chained(shape, *nodes), dt=1.0)[0]


def currents_agree(layer, spikes, expected):
    """Currents of the layer's channel-last spikes against torch's, channel-first [B, C, H, W] or [B, N]."""
    flat = spikes.numpy()
    last = flat.transpose(0, 2, 3, 1).reshape(1, len(flat), -1)
    there = expected.permute(0, 2, 3, 1).flatten(1) if expected.ndim == 4 else expected
    np.testing.assert_allclose(layer.currents(last != 0)[0], there.numpy(), rtol=0, atol=1e-9)


def random_spikes(seed, *shape):
    drawn = np.random.default_rng(seed).random(shape) < 0.3
    return torch.from_numpy(drawn.astype(np.float64))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sides=st.tuples(st.integers(4, 9), st.integers(4, 9)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    groups=st.integers(1, 3),
)
def test_a_convolution_is_torch_s(seed, sides, kernel, stride, padding, dilation, groups):
    if any(sides[i] + 2 * padding[i] <= dilation[i] * (kernel[i] - 1) for i in (0, 1)):
        return
    rng = np.random.default_rng(seed)
    weight, bias = rng.normal(size=(2 * groups, 2, *kernel)), rng.normal(size=2 * groups)
    spikes = random_spikes(seed, 3, 2 * groups, *sides)
    there = functional.conv2d(
        spikes, torch.from_numpy(weight), torch.from_numpy(bias), stride, padding, dilation, groups
    )
    node = conv(weight, sides, np.array(stride), np.array(padding), np.array(dilation), groups, bias)
    layer = first_layer((2 * groups, *sides), node, spiking(there.shape[1:]))
    currents_agree(layer, spikes, there)


@pytest.mark.parametrize("kernel", [(3, 3), (2, 3), (4, 2)])
def test_padding_in_words_is_torch_s(kernel):
    weight, spikes = np.random.default_rng(1).normal(size=(4, 2, *kernel)), random_spikes(2, 3, 2, 6, 7)
    for word in ("same", "valid"):
        there = functional.conv2d(spikes, torch.from_numpy(weight), padding=word)
        layer = first_layer((2, 6, 7), conv(weight, (6, 7), padding=word), spiking(there.shape[1:]))
        assert layer.synapses.shape == (*there.shape[2:], 4)
        currents_agree(layer, spikes, there)


def test_one_dimension_is_a_map_of_one_row():
    weight, spikes = np.random.default_rng(1).normal(size=(4, 2, 3)), random_spikes(2, 3, 2, 9)
    there = functional.conv1d(spikes, torch.from_numpy(weight), stride=2, padding=1)
    layer = first_layer((2, 9), conv(weight, 9, 2, 1), spiking(there.shape[1:]))
    assert layer.synapses.map == (1, 9, 2)
    currents_agree(layer, spikes[:, :, None], there[:, :, None])


POOLS = [("SumPool2d", 2, 2, 0), ("AvgPool2d", 2, 2, 0), ("SumPool2d", 3, 2, 1), ("AvgPool2d", (2, 3), 1, 0)]


def pooled(kind, spikes, size, step, border):
    found = functional.avg_pool2d(spikes, size, step, border)
    return found * np.prod(np.broadcast_to(size, 2)) if kind == "SumPool2d" else found


@pytest.mark.parametrize(("kind", "size", "step", "border"), POOLS)
@pytest.mark.parametrize("sides", [(8, 8), (9, 7)])
def test_a_pool_is_folded_into_what_follows(kind, size, step, border, sides):
    rng, spikes = np.random.default_rng(3), random_spikes(4, 3, 2, *sides)
    there = pooled(kind, spikes, size, step, border)
    node = pool(kind, np.array(size), np.array(step), border)
    weight = rng.normal(size=(4, 2, 3, 2))
    found = functional.conv2d(there, torch.from_numpy(weight), stride=(1, 2), dilation=(1, 2))
    behind = conv(weight, there.shape[2:], np.array((1, 2)), dilation=np.array((1, 2)))
    currents_agree(first_layer((2, *sides), node, behind, spiking(found.shape[1:])), spikes, found)
    dense = rng.normal(size=(5, there[0].numel()))
    found = functional.linear(there.flatten(1), torch.from_numpy(dense))
    layer = first_layer((2, *sides), node, {"type": "Flatten"}, affine(dense), spiking(5))
    currents_agree(layer, spikes, found)


def test_pools_in_a_row_and_a_border_behind_whole_windows():
    weight, spikes = np.random.default_rng(3).normal(size=(4, 2, 3, 3)), random_spikes(4, 3, 2, 8, 8)
    there = pooled("SumPool2d", pooled("SumPool2d", spikes, 2, 2, 0), 2, 2, 0)
    found = functional.conv2d(there, torch.from_numpy(weight), padding=1)
    nodes = [pool("SumPool2d", 2), pool("SumPool2d", 2), conv(weight, (2, 2), padding=1)]
    currents_agree(first_layer((2, 8, 8), *nodes, spiking(found.shape[1:])), spikes, found)


@pytest.mark.parametrize("kind", ["SumPool2d", "AvgPool2d"])
def test_a_pool_that_leaves_rows_over_before_a_border_stays_one(kind):
    """Folded, the border would see the row and the column that the pool drops."""
    weight, spikes = np.random.default_rng(3).normal(size=(4, 2, 3, 3)), random_spikes(4, 3, 2, 18, 14)
    there = pooled(kind, pooled(kind, spikes, 2, 2, 0), 2, 2, 0)
    found = functional.conv2d(there, torch.from_numpy(weight), padding=1)
    nodes = [pool(kind, 2), pool(kind, 2), conv(weight, there.shape[2:], padding=1)]
    layer = first_layer((2, 18, 14), *nodes, spiking(found.shape[1:]))
    assert [one.shape for one in layer.pools] == [(9, 7, 2), (4, 3, 2)] and layer.inputs == 18 * 14 * 2
    currents_agree(layer, spikes, found)


@pytest.mark.parametrize(("kind", "size", "step"), [one[:3] for one in POOLS])
def test_a_pool_of_currents_is_folded_into_the_convolution_before_it(kind, size, step):
    rng, spikes = np.random.default_rng(3), random_spikes(4, 3, 2, 11, 10)
    weight, bias = rng.normal(size=(4, 1, 3, 2)), rng.normal(size=4)
    there = functional.conv2d(
        spikes, torch.from_numpy(weight), torch.from_numpy(bias), (1, 2), (2, 1), (2, 1), groups=2
    )
    scale = rng.random(4)
    found = pooled(kind, there, size, step, 0) * torch.from_numpy(scale)[:, None, None]
    shape = {"padding": np.array((2, 1)), "dilation": np.array((2, 1)), "groups": 2, "bias": bias}
    before = conv(weight, (11, 10), np.array((1, 2)), **shape)
    nodes = [before, pool(kind, np.array(size), np.array(step)), {"type": "Scale", "scale": scale}]
    currents_agree(first_layer((2, 11, 10), *nodes, spiking(found.shape[1:])), spikes, found)


def test_a_network_with_a_pool_that_stays_is_what_its_rounded_layers_are():
    rng = np.random.default_rng(0)
    spikes = rng.random((12, 20, 9 * 7 * 2)) < 0.3
    nodes = [pool("AvgPool2d", 2), conv(rng.normal(size=(4, 2, 3, 3)), (4, 3), padding=1)]
    nodes += [spiking((4, 4, 3), 0.7), {"type": "Flatten"}, affine(rng.normal(size=(3, 48))), spiking(3, 1.5)]
    real = float_layers(chained((2, 9, 7), *nodes), dt=1.0)
    stages = round_network(real, spikes, 6)
    network = counting_network(
        stages.layers, name="n", timesteps=12, encoder=Threshold(), shape=(9, 7, 2), provenance={}
    )
    assert [layer.kind for layer in network.layers] == ["pool", "conv", "dense"]
    trains = golden.run(network, spikes).spikes
    assert trains[0].max() > 1
    first = stages.rounded[0].run(spikes)
    assert np.array_equal(trains[1], first)
    assert np.array_equal(trains[2], stages.rounded[1].run(first))
    there = run_layers(real, spikes)[0]
    assert there.any() and abs(int(first.sum()) - int(there.sum())) < 0.1 * there.sum()


def test_scales_are_multiplied_into_weights():
    rng, spikes = np.random.default_rng(3), random_spikes(4, 3, 4, 5, 5)
    weight, bias = rng.normal(size=(6, 2, 3, 3)), rng.normal(size=6)
    before, after = rng.random(4), rng.random(6)
    there = functional.conv2d(
        spikes * torch.from_numpy(before)[:, None, None],
        torch.from_numpy(weight),
        torch.from_numpy(bias),
        groups=2,
    )
    found = there * torch.from_numpy(after)[:, None, None]
    wide = np.broadcast_to(before[:, None, None], (4, 5, 5))
    nodes = [{"type": "Scale", "scale": wide}, conv(weight, (5, 5), groups=2, bias=bias)]
    layer = first_layer((4, 5, 5), *nodes, {"type": "Scale", "scale": after}, spiking(found.shape[1:]))
    currents_agree(layer, spikes, found)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([pool("SumPool2d", 3, 2), conv(np.ones((1, 2, 3, 3)), (3, 3), padding=1)], "its windows overlap or"),
        ([pool("SumPool2d", 2, 2, 1), conv(np.ones((1, 2, 3, 3)), (4, 4), padding=1)], "have a border, and"),
        ([conv(np.ones((1, 3, 3, 3)), (7, 7))], "it takes 3 channels, what comes before it has 2"),
        ([conv(np.ones((1, 2, 9, 9)), (7, 7))], "its kernel does not fit the map"),
        ([conv(np.ones((1, 2, 3, 3)), (7, 7), padding="same", stride=2)], "'same' with a stride above 1"),
        ([conv(np.ones((1, 2, 3, 3)), (7, 7), stride=1.5)], "its stride is [1.5], expected 2 integers"),
        ([{"type": "Scale", "scale": np.ones(3)}, conv(np.ones((1, 2, 1, 1)), (7, 7))], "its scale has 3"),
        ([conv(np.ones((1, 2, 1, 1)), (7, 7)), pool("SumPool2d", 2, 2, 1)], "its neurons with a border"),
        ([affine(np.ones((4, 98))), pool("SumPool2d", 2)], "which makes no map, and its neurons"),
    ],
)
def test_what_does_not_fit_is_refused_by_node(nodes, message):
    with pytest.raises(TwinspikeError) as refused:
        first_layer((2, 7, 7), *nodes, spiking(()))
    line = str(refused.value)
    assert line.startswith("node '") and "cannot be mapped: " in line and message in line and "\n" not in line


def test_thresholds_that_differ_from_place_to_place_are_refused():
    node = spiking((1, 7, 7)) | {"v_threshold": np.arange(1.0, 50).reshape(1, 7, 7)}
    with pytest.raises(TwinspikeError, match="its v_threshold differs from place to place"):
        first_layer((2, 7, 7), conv(np.ones((1, 2, 1, 1)), (7, 7)), node)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("readout", ["emd", "counts"])
def test_a_network_of_maps_comes_back_from_nir_exactly(tmp_path, groups, readout):
    rng, spec = np.random.default_rng(groups), NeuronSpec(reset="zero")
    first = random_conv(rng, (7, 6, 2), 4, (3, 2), spec=spec, stride=(2, 1), padding=(1, 0), groups=groups)
    second = random_conv(rng, first.shape, 3, (2, 2), spec=spec, dilation=(1, 2))
    layers = [first, second, random_layer(rng, second.neurons, 5, reset="zero")]
    network = network_of(layers, (7, 6, 2))
    network = counting(network) if readout == "counts" else network
    export_nir(network, tmp_path / "net.nir")
    back = reimport(read_graph(tmp_path / "net.nir"))
    assert back is not None and back.content_hash == network.content_hash


def test_integer_weights_on_maps_are_taken_over_exactly_and_real_ones_by_channel():
    rng = np.random.default_rng(0)
    spikes = rng.random((12, 20, 6 * 6 * 2)) < 0.3
    weight = rng.integers(-7, 8, (4, 2, 3, 3)).astype(float)
    weight[:, 0, 0, 0] = 7
    dense = rng.integers(-7, 8, (3, 64)).astype(float)
    nodes = [conv(weight, (6, 6)), spiking((4, 4, 4), 9.5), {"type": "Flatten"}, affine(dense), spiking(3, 5)]
    exact = round_network(float_layers(chained((2, 6, 6), *nodes), dt=1.0), spikes, 4)
    assert all(one.exact for one in exact.rounded)
    assert np.array_equal(exact.layers[0].weight, weight) and (exact.layers[0].threshold == 10).all()
    factors = rng.uniform(0.1, 3, 4)
    nodes[0] = conv(weight * factors[:, None, None, None] * (1 + 1e-3), (6, 6))
    nodes[1] = spiking((4, 4, 4)) | {"v_threshold": np.broadcast_to(9.5 * factors[:, None, None], (4, 4, 4))}
    real = float_layers(chained((2, 6, 6), *nodes), dt=1.0)
    rounded = round_network(real, spikes, 4).rounded[0]
    assert not rounded.exact and rounded.layer.weight.shape == weight.shape and rounded.scale.shape == (4,)
    there, here = run_layers(real, spikes)[0], rounded.run(spikes)
    assert (there & here).sum() > 0.9 * (there | here).sum()
