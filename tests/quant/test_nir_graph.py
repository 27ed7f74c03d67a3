"""Graphs as chains: what cannot be mapped is named with its type and the reason."""

import re

import numpy as np
import pytest
from support.graphs import affine, graph, lif, small_graph

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_graph import chain, layers
from twinspike.quant.nir_import import float_layers


def two_layers():
    return small_graph(np.random.default_rng(0))


def names(nodes):
    return [node.name for node in nodes]


def refusal(bad):
    with pytest.raises(TwinspikeError) as refused:
        layers(chain(bad))
    return str(refused.value)


def test_a_chain_is_in_order_whatever_the_order_of_nodes_and_edges():
    made = two_layers()
    made["edges"] = [*made["edges"][::-1], made["edges"][0]]
    made["nodes"] = dict(reversed(list(made["nodes"].items())))
    assert names(chain(made)) == ["fc0", "lif0", "fc1", "lif1"]


def test_flatten_is_passed_and_nested_graphs_are_opened():
    made = two_layers()
    inner = graph(**{"0": affine(np.ones((4, 5))), "1": lif(4)})
    made["nodes"] = {
        "input": made["nodes"]["input"],
        "flat": {"type": "Flatten"},
        "block": {"type": "NIRGraph", **inner},
        "fc1": made["nodes"]["fc1"],
        "lif1": made["nodes"]["lif1"],
        "output": {"type": "Output"},
    }
    made["edges"] = [
        ("input", "flat"),
        ("flat", "block"),
        ("block", "fc1"),
        ("fc1", "lif1"),
        ("lif1", "output"),
    ]
    assert names(chain(made)) == ["block/0", "block/1", "fc1", "lif1"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("BatchNorm2d", "fold its factors into the weights before it"),
        ("LI", "it gives no spikes: let the last layer spike"),
        ("Threshold", "it has no membrane: use IF"),
        ("Delay", "it delays currents: only spikes can be delayed, before the weights of a layer"),
        ("Magic", "the type is unknown here: known are Affine, Linear, Conv1d, Conv2d, LIF"),
    ],
)
def test_unsupported_nodes_are_named_with_type_and_reason(kind, reason):
    made = two_layers()
    made["nodes"]["lif0"] = {"type": kind}
    assert refusal(made).startswith(f"node 'lif0' ({kind}) cannot be mapped: ")
    assert reason in refusal(made)


def edit(made, *, drop=(), add=()):
    made["edges"] = [pair for pair in made["edges"] if pair not in drop] + list(add)
    return made


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"add": [("lif0", "lif1")]}, "node 'lif0' (LIF) cannot be mapped: it feeds node 'fc1' (Affine), "),
        ({"add": [("lif1", "fc1")]}, "node 'fc1' (Affine) cannot be mapped: it is fed by"),
        ({"drop": [("lif0", "fc1")]}, "node 'lif0' (LIF) cannot be mapped: it feeds nothing"),
        ({"add": [("fc1", "nowhere")]}, "an edge names node 'nowhere'"),
        (
            {"drop": [("lif0", "fc1"), ("fc1", "lif1")], "add": [("lif0", "lif1")]},
            "'fc1' (Affine) cannot be mapped: it is not on",
        ),
    ],
)
def test_what_is_no_chain_is_refused(change, message):
    assert message in refusal(edit(two_layers(), **change))


def test_layers_alternate_weights_and_neurons():
    assert "no node with weights is before it" in refusal(
        graph(fc=affine(np.ones((2, 2))), a=lif(2), b=lif(2))
    )
    assert "Output follows it: every layer ends in spiking" in refusal(graph(fc=affine(np.ones((2, 2)))))
    twice = graph(a=affine(np.ones((2, 2))), b=affine(np.ones((2, 2))), c=lif(2))
    assert refusal(twice).startswith("node 'a' (Affine) cannot be mapped: node 'b' (Affine) follows it")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (lif(4, tau=1e-5), "a step of 0.0001 s is 10 time constants (1e-05 s), expected at most 1: say"),
        (lif(4, tau=-1.0), "its time constant is -1, expected more than 0 seconds"),
        (lif(4, v_reset=2.0), "v_threshold[0] = 1 must be above v_reset[0] = 2"),
        (lif(4, r=np.nan), "its r holds values that are not finite"),
        ({k: v for k, v in lif(4).items() if k != "tau"}, "its tau is missing"),
        (lif(3), "its r has 3 values, expected 1 or 4"),
        (
            {**lif(4), "type": "CubaLIF", "tau_mem": lif(4)["tau"], "tau_syn": np.full(4, 3e-4), "w_in": 1.0},
            "its synaptic time constant is 0.0003 s, 3 steps: only synapses without memory",
        ),
    ],
)
def test_parameters_that_cannot_be_mapped_are_named(node, message):
    made = two_layers()
    made["nodes"]["lif0"] = node
    with pytest.raises(TwinspikeError, match=re.escape(message)) as refused:
        float_layers(made)
    assert str(refused.value).startswith(f"node 'lif0' ({node['type']}) cannot be mapped: ")


def test_widths_must_fit():
    made = graph(a=affine(np.ones((4, 5))), b=lif(4), c=affine(np.ones((3, 5))), d=lif(3))
    with pytest.raises(
        TwinspikeError, match=r"node 'c' \(Affine\) .* takes 5 inputs, the layer before has 4"
    ):
        float_layers(made)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"nodes": {}},
        {"nodes": 3, "edges": []},
        {"nodes": {"a": 1}, "edges": []},
        {"nodes": {"a": {"type": 4}}},
    ],
)
def test_what_is_no_graph_is_refused(bad):
    with pytest.raises(TwinspikeError):
        chain(bad)
