"""Delay nodes of NIR graphs: whole steps before dense weights become layers of kind delay."""

import itertools

import nir
import numpy as np
import pytest

from twinspike.numerics.encodings import Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_import import counting_network, float_layers, round_network, run_layers
from twinspike.sim import golden

DT = 1e-4


def neurons(count, threshold=3.0):
    size = np.ones(count)
    return nir.LIF(tau=8 * DT * size, r=size, v_leak=0 * size, v_threshold=threshold * size, v_reset=0 * size)


def written(tmp_path, **nodes):
    """A chain of nodes in a file, and what is read of it; the input is a row of 6."""
    rng = np.random.default_rng(0)
    every = {
        "input": nir.Input({"input": np.array([6])}),
        "fc0": nir.Affine(weight=rng.integers(-7, 8, (5, 6)) * 8.0, bias=np.zeros(5)),
        "lif0": neurons(5),
        **nodes,
        "fc1": nir.Affine(weight=rng.integers(-7, 8, (4, 5)) * 8.0, bias=np.zeros(4)),
        "lif1": neurons(4),
        "output": nir.Output({"output": np.array([4])}),
    }
    names = list(every)
    graph = nir.NIRGraph(nodes=every, edges=list(itertools.pairwise(names)), type_check=False)
    nir.write(tmp_path / "net.nir", graph)
    return read_graph(tmp_path / "net.nir")


def test_a_delay_becomes_a_layer_and_spikes_are_those_of_the_graph(tmp_path):
    steps = np.array([0, 3, 1, 7, 2])
    real = float_layers(written(tmp_path, wait=nir.Delay(steps * DT)))
    spikes = np.random.default_rng(1).random((9, 40, 6)) < 0.3
    stages = round_network(real, spikes, 4)
    layers = stages.layers
    assert [layer.kind for layer in layers] == ["dense", "delay", "dense"]
    assert layers[1].synapses.delay.tolist() == [[n] for n in steps]
    network = counting_network(
        layers, name="waits", timesteps=9, encoder=Latency(), shape=(6,), provenance={}
    )
    trains = golden.run(network, spikes).spikes
    for t in range(9):
        for i, wait in enumerate(steps):
            expected = trains[0][t - wait, :, i] if t >= wait else np.zeros(40, bool)
            assert np.array_equal(trains[1][t, :, i], expected)
    there = run_layers(real, spikes)
    assert np.mean(trains[2] == there[-1]) > 0.9 and there[-1].any()


def test_one_delay_serves_every_input_and_two_add_up(tmp_path):
    real = float_layers(written(tmp_path, a=nir.Delay(np.array([2 * DT])), b=nir.Delay(np.full(5, DT))))
    assert [stage.delay.tolist() for stage in real[1].pools] == [[[2]] * 5, [[1]] * 5]


@pytest.mark.parametrize(
    "nodes, message",
    [
        (
            {"wait": nir.Delay(np.full(5, 1.5 * DT))},
            "a delay of 1.5 steps of 0.0001 s: expected whole steps, 0..255",
        ),
        ({"wait": nir.Delay(np.full(5, 300 * DT))}, "a delay of 300 steps of 0.0001 s: expected whole steps"),
        ({"wait": nir.Delay(np.full(4, DT))}, "its delay has 4 values, expected 1 or 5"),
    ],
)
def test_what_is_no_whole_step_is_refused(nodes, message, tmp_path):
    with pytest.raises(TwinspikeError) as caught:
        float_layers(written(tmp_path, **nodes))
    assert str(caught.value).startswith(f"node 'wait' (Delay) cannot be mapped: {message}")


def test_a_synapse_with_memory_is_refused_by_name(tmp_path):
    size = np.ones(5)
    cuba = nir.CubaLIF(
        tau_syn=4 * DT * size,
        tau_mem=8 * DT * size,
        r=size,
        v_leak=0 * size,
        v_threshold=size,
        v_reset=0 * size,
    )
    with pytest.raises(TwinspikeError, match=r"^node 'lif0' \(CubaLIF\) cannot be mapped: its synaptic time"):
        float_layers(written(tmp_path, lif0=cuba))
