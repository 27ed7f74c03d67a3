"""Each framework with each of its parameters away from the default: the float import spikes as it does."""

import itertools

import numpy as np
import others
import pytest
import torch
from torch import nn

from twinspike.model.frameworks import run_in_framework
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_graph import chain
from twinspike.quant.nir_import import float_layers, run_layers
from twinspike.quant.time_unit import time_unit

WIDTHS = (20, 30, 8)
SPIKES = np.random.default_rng(0).random((12, 40, 20)) < 0.3


def full(count, value):
    return torch.full((count,), float(value))


def leaky(*, beta=0.9, threshold=1.0, kind="Leaky", reset="zero", **more):
    import snntorch

    if kind == "Synaptic":
        more["alpha"] = 0.0

    def make(n):
        each = {key: full(n, x) for key, x in (("beta", beta), ("threshold", threshold))}
        if "alpha" in more:
            each["alpha"] = full(n, 0)
        return getattr(snntorch, kind)(**{**more, **each}, init_hidden=True, reset_mechanism=reset)

    return make


def box(*, dt=1e-3, subtract=False, **changes):
    import norse.torch
    from norse.torch.functional.reset import reset_subtract, reset_value

    values = {"tau_mem_inv": 100.0, "v_th": 1.0, "v_leak": 0.0, "v_reset": 0.0} | changes
    method = reset_subtract if subtract else reset_value

    def make(n):
        each = {key: full(n, x) for key, x in values.items()}
        return norse.torch.LIFBoxCell(norse.torch.LIFBoxParameters(**each, reset_method=method), dt=dt)

    return make


def integrator(v_th):
    from norse.torch import IAFCell
    from norse.torch.functional.iaf import IAFParameters

    return lambda n: IAFCell(IAFParameters(v_th=full(n, v_th), v_reset=full(n, 0)))


def jelly(kind="LIFNode", **parameters):
    from spikingjelly.activation_based import neuron

    return lambda n: getattr(neuron, kind)(**parameters)


def build(framework, make, gain):
    torch.manual_seed(0)
    parts = []
    for inputs, neurons in itertools.pairwise(WIDTHS):
        linear = nn.Linear(inputs, neurons)
        nn.init.normal_(linear.weight, std=1.5 * gain / inputs**0.5)
        nn.init.constant_(linear.bias, 0.02)
        parts += [linear, make(neurons)]
    if framework == "norse":
        import norse.torch

        return norse.torch.SequentialState(*parts)
    return nn.Sequential(*parts)


# framework, what is away from its default, neurons, scale of the weights, --reset, --dt
CASES = [
    ("snntorch", "beta", lambda: leaky(beta=0.7), 1, "zero", None),
    ("snntorch", "beta 1", lambda: leaky(beta=1.0), 1, "zero", None),
    ("snntorch", "beta above 1", lambda: leaky(beta=1.1), 1, "zero", None),
    ("snntorch", "threshold", lambda: leaky(threshold=0.4), 1, "zero", None),
    ("snntorch", "zero at once", lambda: leaky(reset_delay=False, threshold=0.3), 4, "zero", None),
    ("snntorch", "subtract", lambda: leaky(reset="subtract", threshold=0.3), 4, "subtract-delayed", None),
    ("snntorch", "subtract at once",
     lambda: leaky(reset="subtract", reset_delay=False, threshold=0.3), 4, "subtract", None),
    ("snntorch", "Synaptic", lambda: leaky(kind="Synaptic"), 1, "zero-delayed", None),
    ("snntorch", "Synaptic at once", lambda: leaky(kind="Synaptic", reset_delay=False), 1, "zero", None),
    ("snntorch", "Synaptic, beta 1, subtract",
     lambda: leaky(kind="Synaptic", beta=1.0, reset="subtract"), 1, "subtract-delayed", None),
    ("norse", "tau_mem_inv", lambda: box(tau_mem_inv=300.0), 3, "zero", None),
    ("norse", "v_th", lambda: box(v_th=0.4), 10, "zero", None),
    ("norse", "v_leak", lambda: box(v_leak=0.25, v_th=0.6), 8, "zero", None),
    ("norse", "v_leak below 0", lambda: box(v_leak=-0.5), 12, "zero", None),
    ("norse", "subtract", lambda: box(subtract=True), 20, "subtract", None),
    ("norse", "dt", lambda: box(dt=5e-4), 20, "zero", 5e-7),
    ("norse", "IAFCell", lambda: integrator(1.5), 1, "zero", None),
    ("spikingjelly", "tau", lambda: jelly(tau=10.0, decay_input=False), 1, "zero", None),
    ("spikingjelly", "decay_input", lambda: jelly(tau=5.0, decay_input=True), 5, "zero", None),
    ("spikingjelly", "v_reset", lambda: jelly(tau=5.0, decay_input=False, v_reset=0.3), 1, "zero", None),
    ("spikingjelly", "v_reset below 0", lambda: jelly(tau=5.0, v_reset=-0.4), 7, "zero", None),
    ("spikingjelly", "v_threshold",
     lambda: jelly(tau=5.0, decay_input=False, v_threshold=0.4), 1, "zero", None),
    ("spikingjelly", "IFNode", lambda: jelly("IFNode", v_reset=0.2, v_threshold=1.2), 1, "zero", None),
    ("spikingjelly", "ParametricLIFNode",
     lambda: jelly("ParametricLIFNode", init_tau=4.0, decay_input=False, v_reset=0.1), 1, "zero", None),
    ("spikingjelly", "CUBALIFNode",
     lambda: jelly("CUBALIFNode", c_decay=0.0, v_decay=0.8, v_threshold=1.0, v_reset=-0.2), 1, "zero", None),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("framework", "neurons", "gain", "reset", "dt"),
    [(name, *rest) for name, _, *rest in CASES],
    ids=[f"{name}, {what}" for name, what, *_ in CASES],
)
def test_the_float_import_spikes_as_the_framework_does(framework, neurons, gain, reset, dt, tmp_path):
    network = build(framework, neurons(), gain)
    original = others.trains(framework, network, SPIKES)
    assert all(0.02 < train.mean() < 0.7 for train in original)
    others.write_nir(framework, network, WIDTHS[0], tmp_path / "n.nir")
    graph = read_graph(tmp_path / "n.nir")
    step = time_unit(graph, framework, reset, dt, SPIKES).dt
    ours = run_layers(float_layers(graph, dialect=framework, dt=step, reset=reset), SPIKES)
    again = run_in_framework(framework, chain(graph), SPIKES, dt=step, reset=reset)
    for theirs, mine, imported in zip(original, ours, again, strict=True):
        np.testing.assert_array_equal(mine, theirs)
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
def test_neurons_that_forget_at_once_are_refused_by_name(tmp_path):
    others.write_nir("snntorch", build("snntorch", leaky(beta=0.0), 1), WIDTHS[0], tmp_path / "n.nir")
    with pytest.raises(
        TwinspikeError, match=r"node '1' \(LIF\) cannot be mapped: neuron 0 keeps nothing .*beta = 0"
    ):
        float_layers(read_graph(tmp_path / "n.nir"), dialect="snntorch")
    others.write_nir("snntorch", build("snntorch", leaky(beta=1.0), 1), WIDTHS[0], tmp_path / "n.nir")
    with pytest.raises(TwinspikeError, match="its r holds values that are not finite"):
        float_layers(read_graph(tmp_path / "n.nir"), dialect="norse")
