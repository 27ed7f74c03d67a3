"""One-node quantisers against Brevitas's own chains: same values, same gradients, at every width."""

import pytest
import torch
from brevitas.inject.enum import QuantType, StatsOp
from brevitas.nn import QuantLinear
from brevitas.quant import Int8WeightPerChannelFloat

from twinspike.quant.quantizers import weight_quantizer


class Chain(Int8WeightPerChannelFloat):
    scaling_stats_op = StatsOp.MEAN_SIGMA_STD
    sigma = 3.0


class TernaryChain(Chain):
    sigma = 0.5


class BinaryChain(Int8WeightPerChannelFloat):
    quant_type = QuantType.BINARY
    scaling_stats_op = StatsOp.AVE


@pytest.mark.parametrize("bits", range(1, 9))
def test_values_scales_and_gradients_are_brevitas_own(bits):
    chain = {1: BinaryChain, 2: TernaryChain}.get(bits, Chain)
    generator = torch.Generator().manual_seed(bits)
    weight = torch.randn(20, 100, generator=generator, dtype=torch.float64)
    by_value, by_scale = torch.randn_like(weight), torch.randn(20, 1, dtype=torch.float64)
    found = []
    for quantizer in (weight_quantizer(bits), chain):
        linear = QuantLinear(100, 20, bias=False, weight_quant=quantizer, weight_bit_width=bits)
        linear.weight = torch.nn.Parameter(weight.clone())
        quantised = linear.quant_weight()
        assert quantised.bit_width == bits and quantised.zero_point == 0
        ((quantised.value * by_value).sum() + (quantised.scale * by_scale).sum()).backward()
        found.append((quantised.value.detach(), quantised.scale.detach(), linear.weight.grad))
    torch.testing.assert_close(found[0], found[1], rtol=1e-6, atol=1e-9)
    assert (found[0][0] / found[0][1]).abs().max().round() == max(1, 2 ** (bits - 1) - 1)
