import numpy as np
import pytest
from support.networks import random_network
from support.streams import bench

from twinspike.hw.plan import make_plan
from twinspike.hw.weights.stores import BlockWeights, banks


def test_banks_cover_every_depth_with_at_most_three_aligned_powers_of_two():
    for depth in range(1, 20_001):
        found = banks(depth)
        assert 1 <= len(found) <= 3
        end = 0
        for start, size in found:
            assert start == end, depth
            assert size & (size - 1) == 0, depth
            assert start % size == 0, depth
            end = start + size
        assert end - found[-1][1] < depth <= end, depth


def test_banks_waste_less_than_one_power_of_two_would():
    assert banks(12_544) == [(0, 8192), (8192, 4096), (12_288, 256)]
    assert banks(512) == [(0, 512)]
    assert banks(300) == [(0, 512)]
    for depth in range(512, 20_001):
        start, size = banks(depth)[-1]
        assert start + size <= 1 << (depth - 1).bit_length()
        assert (start + size - depth) / depth <= 0.5


@pytest.mark.parametrize(("target", "latency"), [("generic", 1), ("ecp5-25k", 2)])
@pytest.mark.parametrize(("shape", "lanes"), [((1,), 4), ((7, 3), 3), ((40, 20), 4)])
def test_a_word_arrives_so_many_clocks_after_its_address(shape, lanes, target, latency):
    plan = make_plan(random_network(1, shape=shape, widths=(4,)), (lanes,), target).layers[0]
    image = plan.weight_image()
    rng = np.random.default_rng(0)
    addresses = [*range(len(image)), *map(int, rng.integers(0, len(image), 60))]
    dut, seen = BlockWeights(plan), []

    async def testbench(ctx):
        for address in [*addresses, *addresses[: latency - 1]]:
            ctx.set(dut.address, address)
            await ctx.tick()
            seen.append(ctx.get(dut.data))

    bench(dut, testbench)
    assert seen[latency - 1 :] == [image[a] for a in addresses]
