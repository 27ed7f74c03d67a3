"""The flash loader alone, and with the check of images behind it."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from support.flash import Flash
from support.images import DAMAGED, FINE, FOREIGN, small_plan
from support.streams import bench

from twinspike.hw.weights.flash_loader import FlashLoader, check_reach
from twinspike.hw.weights.image import ImageCheck, image_bytes, weight_image
from twinspike.numerics.errors import TwinspikeError


@pytest.fixture(scope="module")
def plan():
    return small_plan()


def words_of(raw):
    return np.frombuffer(raw, "<u2").tolist()


@pytest.mark.parametrize("divider", [2, 3, 4, 7])
@pytest.mark.parametrize("stall", [0.0, 0.97])
def test_words_come_in_order_however_slowly_they_are_taken(divider, stall):
    raw = np.random.default_rng(divider).bytes(12)
    dut = FlashLoader(6, offset=0x1234, divider=divider, wake_clocks=40)
    flash, got, clocks, rng = Flash(raw, offset=0x1234), [], [0], np.random.default_rng(1)

    async def testbench(ctx):
        while len(got) < 6 or ctx.get(dut.busy):
            ready = rng.random() >= stall
            ctx.set(dut.o.ready, ready)
            if ready and ctx.get(dut.o.valid):
                got.append((ctx.get(dut.o.p.data), ctx.get(dut.o.p.last)))
            await ctx.tick()
            clocks[0] += 1

    async def memory(ctx):
        await flash.run(ctx, dut)

    bench(dut, testbench, memory, flash.count)
    assert got == [(word, i == 5) for i, word in enumerate(words_of(raw))]
    assert flash.seen == [0xAB, 0x03] and not flash.problems
    if not stall:
        assert 0 <= clocks[0] - ((8 + 32 + 16 * 6) * divider + 40) <= 6


def loads(plan, flash, starts=0):
    """(loaded, foreign, damaged) after power-up and after each of `starts` further runs of the loader."""
    image = weight_image(plan)
    m = Module()
    m.submodules.loader = loader = FlashLoader(len(image), offset=flash.offset, divider=2, wake_clocks=40)
    m.submodules.check = check = ImageCheck(plan.layers[0])
    wiring.connect(m, loader.o, check.i)
    seen = []

    async def testbench(ctx):
        ctx.set(check.network_hash, plan.network_hash)
        for run in range(1 + starts):
            ctx.set(loader.start, run > 0)
            await ctx.tick()
            ctx.set(loader.start, 0)
            await ctx.tick()
            while ctx.get(loader.busy):
                await ctx.tick()
            await ctx.tick().repeat(3)
            seen.append(tuple(ctx.get(flag) for flag in (check.loaded, check.foreign, check.damaged)))
            flash.content = image_bytes(image)

    async def memory(ctx):
        await flash.run(ctx, loader)

    bench(m, testbench, memory, flash.count)
    return seen


def test_a_good_image_is_loaded(plan):
    assert loads(plan, Flash(image_bytes(weight_image(plan)), offset=0x20000)) == [FINE]


@pytest.mark.parametrize("at", [20, 30, -1])
def test_a_corrupted_byte_is_found_and_a_reload_repairs_it(plan, at):
    raw = bytearray(image_bytes(weight_image(plan)))
    raw[at] ^= 0x10
    assert loads(plan, Flash(bytes(raw), offset=0x20000), starts=1) == [DAMAGED, FINE]


def test_a_missing_flash_and_one_that_sleeps_on(plan):
    raw = image_bytes(weight_image(plan))
    assert loads(plan, Flash(raw, missing=True)) == [FOREIGN]
    assert loads(plan, Flash(raw, wake=200)) == [FOREIGN]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, 0, 4), "flash words = 0 is not allowed"),
        ((9, 1 << 24, 4), "flash offset = 16777216 is not allowed: expected 0..16777198"),
        ((9, 0, 1), "flash divider = 1 is not allowed: expected 2..256"),
    ],
)
def test_parameters_out_of_range(arguments, text):
    with pytest.raises(TwinspikeError, match=text):
        check_reach(*arguments)
