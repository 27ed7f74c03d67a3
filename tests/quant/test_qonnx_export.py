"""QONNX: the integers and scales of the exported nodes are the network's, and their currents too."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.networks import random_network

from twinspike.quant.network import METADATA_KEY
from twinspike.quant.qonnx_export import export_qonnx


@pytest.mark.parametrize("weight_bits", [1, 2, 4, 8])
def test_integers_and_scales_are_the_network_s(weight_bits, tmp_path):
    network = random_network(3, widths=(5, 4), weight_bits=weight_bits)
    export_qonnx(network, tmp_path / "n.onnx")
    model = onnx.load(tmp_path / "n.onnx")
    assert {p.key: p.value for p in model.metadata_props}[METADATA_KEY] == network.metadata()
    assert [i.name for i in model.graph.input] == ["spikes0", "spikes1"]
    assert [o.name for o in model.graph.output] == ["currents0", "currents1"]
    values = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    quants = [n for n in model.graph.node if n.op_type in ("Quant", "BipolarQuant")]
    assert {n.op_type for n in quants} == {"BipolarQuant" if weight_bits == 1 else "Quant"}
    rng = np.random.default_rng(0)
    for node, layer in zip(quants, network.layers, strict=True):
        weight, scale = values[node.input[0]], values[node.input[1]]
        np.testing.assert_allclose(scale[:, 0], 1 / layer.threshold, rtol=1e-6)
        np.testing.assert_array_equal(np.round(weight / scale), layer.weight)
        if weight_bits > 1:
            assert values[node.input[3]] == weight_bits
            flags = {a.name: a.i for a in node.attribute}
            assert (flags["signed"], flags["narrow"]) == (1, 1)
        gemm = next(n for n in model.graph.node if node.output[0] in n.input)
        spikes = (rng.random((6, layer.inputs)) < 0.5).astype(np.float32)
        theirs = (spikes @ weight.T + values[gemm.input[2]]) * layer.threshold
        np.testing.assert_allclose(theirs, spikes @ layer.weight.T + layer.bias, atol=1e-3)
