"""Memories that a device lacks are known before synthesis."""

from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.hw.predict.memory import HOPELESS, memory_lacking
from twinspike.hw.predict.placement import ram_blocks


def test_what_a_device_lacks_is_told():
    network = random_network(1, timesteps=2, shape=(600,), widths=(256,), state_bits=8)
    large = make_plan(network, (16,), "hx8k")
    need = ram_blocks(large)
    assert memory_lacking(large) == f"its memories need about {need} EBR blocks, hx8k has 32"
    assert memory_lacking(large, need / 32) == "" and memory_lacking(large, HOPELESS)
    assert memory_lacking(make_plan(network, (16,), "ecp5-85k")) == ""
    assert memory_lacking(make_plan(network, (16,))) == ""
