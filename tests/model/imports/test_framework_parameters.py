"""Each framework with each of its parameters away from the default: the float import spikes as it does."""

import numpy as np
import others
import pytest
from exports import CASES, WIDTHS, box, build, framework_of, leaky
from support.optional import NEEDS, needs

from twinspike.model.imports.frameworks import RUNS, run_in_framework
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_graph import chain
from twinspike.quant.nir_import import float_layers, round_network, run_layers
from twinspike.quant.time_unit import time_unit

SPIKES = np.random.default_rng(0).random((12, 40, 20)) < 0.3


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("dialect", "neurons", "gain", "reset", "dt"),
    [
        pytest.param(
            name,
            *rest,
            id=f"{name}, {what}",
            marks=[needs(framework_of(name))] if framework_of(name) in NEEDS else [],
        )
        for name, what, *rest in CASES
    ],
)
def test_the_float_import_spikes_as_the_framework_does(dialect, neurons, gain, reset, dt, tmp_path):
    framework = framework_of(dialect)
    network = build(framework, neurons(), gain)
    original = others.trains(framework, network, SPIKES)
    assert all(0.02 < train.mean() < 0.7 for train in original)
    others.write_nir(framework, network, WIDTHS[0], tmp_path / "n.nir")
    graph = read_graph(tmp_path / "n.nir")
    step = time_unit(graph, dialect, reset, dt, SPIKES).dt
    ours = run_layers(float_layers(graph, dialect=dialect, dt=step, reset=reset), SPIKES)
    for theirs, mine in zip(original, ours, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    if dialect not in RUNS:
        return
    again = run_in_framework(dialect, chain(graph), SPIKES, dt=step, reset=reset)
    for theirs, imported in zip(original, again, strict=True):
        np.testing.assert_array_equal(imported, theirs)


@pytest.mark.filterwarnings("ignore")
def test_norse_does_not_write_v_reset(tmp_path):
    """If it ever does, quant/dialects.py says something that is no longer so."""
    network = build("norse", box(v_reset=0.2), 10)
    others.write_nir("norse", network, WIDTHS[0], tmp_path / "n.nir")
    graph = read_graph(tmp_path / "n.nir")
    assert not np.any(graph["nodes"]["1"].get("v_reset", 0))
    ours = run_layers(float_layers(graph, dialect="norse"), SPIKES)
    assert (ours[0] != others.trains("norse", network, SPIKES)[0]).any()


@pytest.mark.filterwarnings("ignore")
def test_neurons_that_forget_at_once_spike_as_in_the_framework(tmp_path):
    network = build("snntorch", leaky(beta=0.0, threshold=0.3), 1)
    original = others.trains("snntorch", network, SPIKES)
    assert all(0.02 < train.mean() < 0.7 for train in original)
    others.write_nir("snntorch", network, WIDTHS[0], tmp_path / "n.nir")
    graph = read_graph(tmp_path / "n.nir")
    real = float_layers(graph, dialect="snntorch", dt=time_unit(graph, "snntorch", "zero", None, SPIKES).dt)
    for theirs, mine in zip(original, run_layers(real, SPIKES), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    rounded = round_network(real, SPIKES, 8)
    assert all(layer.spec.forget and layer.spec.leak_shift == 0 for layer in rounded.layers)
    assert (rounded.rounded[0].run(SPIKES) == original[0]).mean() > 0.97
    mixed = {**graph, "nodes": {**graph["nodes"]}}
    name = next(n for n, node in mixed["nodes"].items() if node["type"] == "LIF")
    node = dict(mixed["nodes"][name])
    tau = np.full(original[0].shape[2], np.ravel(node["tau"])[0])
    tau[3] *= 2
    mixed["nodes"][name] = {**node, "tau": tau}
    with pytest.raises(
        TwinspikeError, match=r"\(LIF\) cannot be mapped: neuron 0 keeps nothing .* and others do"
    ):
        float_layers(mixed, dialect="snntorch")


@pytest.mark.filterwarnings("ignore")
def test_time_constants_that_are_not_finite_are_refused_by_name(tmp_path):
    others.write_nir("snntorch", build("snntorch", leaky(beta=1.0), 1), WIDTHS[0], tmp_path / "n.nir")
    with pytest.raises(TwinspikeError, match="its r holds values that are not finite"):
        float_layers(read_graph(tmp_path / "n.nir"), dialect="norse")
