import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from twinspike.hw.parts.bits import lowest_bit, several, three


def check(width, masks):
    """Compare the functions with integer arithmetic on each of `masks`."""
    m = Module()
    mask, lowest, more, most = Signal(width), Signal(width + 1), Signal(2), Signal(2)
    m.d.comb += [lowest.eq(lowest_bit(m, mask)), more.eq(several(m, mask)), most.eq(three(m, mask))]

    async def testbench(ctx):
        for x in masks:
            ctx.set(mask, x)
            assert ctx.get(lowest) == x & -x
            assert ctx.get(more) == (x.bit_count() >= 2)
            assert ctx.get(most) == (x.bit_count() >= 3)

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()


@pytest.mark.parametrize("width", range(1, 10))
def test_every_mask_of_a_narrow_word(width):
    check(width, range(1 << width))


@pytest.mark.parametrize("width", [16, 17, 31, 64, 65, 128])
def test_random_and_extreme_masks_of_a_wide_word(width):
    rng = np.random.default_rng(width)
    masks = [0, (1 << width) - 1, *(1 << i for i in range(width))]
    # Pairs of bits, where "several" is decided, and words from nearly empty to nearly full.
    masks += [1 << int(i) | 1 << int(j) for i, j in rng.integers(0, width, (100, 2))]
    for share in (0.05, 0.5, 0.95):
        masks += [sum(1 << int(i) for i in np.flatnonzero(rng.random(width) < share)) for _ in range(40)]
    check(width, masks)
