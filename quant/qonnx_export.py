"""A network's quantised layers as QONNX, through Brevitas: where other tools look for integers and scales.

One graph holds every layer's synapses: input `spikes{l}` [B, in] (0 or 1), output `currents{l}` [B, out] of
one time step, in units of the neuron's threshold. A `Quant` node (`BipolarQuant` for 1 bit) gives the
weights: integer = weight / scale with the scale 1 / threshold of each neuron, zero point 0, `bits`
wide, symmetric and narrow. Neurons have no ONNX operator: leak, reset and the rest are in the model's
metadata, as in the network file.
"""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import torch
from brevitas.inject.enum import QuantType, ScalingImplType
from brevitas.nn import QuantLinear
from brevitas.quant import Int8WeightPerChannelFloat
from torch import Tensor, nn

from ..numerics.errors import TwinspikeError
from ..numerics.extras import remedy
from ..numerics.files import write_atomically
from .layer import Layer, check_plain
from .network import METADATA_KEY, Network


class GivenScale(Int8WeightPerChannelFloat):
    """Integers times a scale that is given, [out, 1]; nothing is left to round."""

    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = "fp"


class GivenBinaryScale(GivenScale):
    """-1 and +1 times a scale that is given."""

    quant_type = QuantType.BINARY


class Synapses(nn.Module):
    """Every layer's currents of one step, from every layer's input spikes."""

    def __init__(self, network: Network):
        super().__init__()
        self.layers = nn.ModuleList(_linear(layer) for layer in network.layers)

    def forward(self, *spikes: Tensor) -> tuple[Tensor, ...]:
        return tuple(layer(x) for layer, x in zip(self.layers, spikes, strict=True))


def export_qonnx(network: Network, path: Path) -> None:
    """Write the network's layers as a QONNX model to `path`, atomically.

    Raises TwinspikeError if the packages of the extra `qonnx` are not installed, and for layers that are no
    chain of dense ones.
    """
    check_plain(network.layers, "QONNX")
    try:
        import onnx
        import onnxoptimizer  # noqa: F401
        import onnxscript  # noqa: F401
        from brevitas.export import export_qonnx as export
    except ImportError as error:
        raise TwinspikeError(f"QONNX needs more packages ({error}): {remedy('qonnx')}") from None
    names = range(len(network.layers))
    with _quiet():
        model = export(
            Synapses(network).eval(),
            args=tuple(torch.zeros(1, layer.inputs) for layer in network.layers),
            input_names=[f"spikes{i}" for i in names],
            output_names=[f"currents{i}" for i in names],
        )
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, network.metadata()
    buffer = io.BytesIO()
    onnx.save(model, buffer)
    write_atomically(path, buffer.getvalue())


def _linear(layer: Layer) -> QuantLinear:
    scale = (1.0 / torch.from_numpy(layer.threshold).float()).unsqueeze(1)
    bits = layer.spec.weight_bits
    linear = QuantLinear(
        layer.inputs,
        layer.neurons,
        bias=True,
        weight_quant=GivenBinaryScale if bits == 1 else GivenScale,
        weight_bit_width=bits,
        weight_scaling_init=scale * _largest(bits),
    )
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(layer.weight).float() * scale)
        linear.bias.copy_(torch.from_numpy(layer.bias).float() * scale[:, 0])
    return linear


def _largest(bits: int) -> int:
    """Brevitas asks for the largest value of a weight, not for that of one step."""
    return max(1, (1 << (bits - 1)) - 1)


@contextlib.contextmanager
def _quiet():
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
