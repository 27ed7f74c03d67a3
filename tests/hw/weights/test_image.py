"""Weight images: their words, and the check in gateware with every kind of damage."""

import dataclasses
import zlib

import numpy as np
import pytest
from support.images import DAMAGED, FINE, FOREIGN, small_plan
from support.networks import wide_network
from support.streams import bench

from twinspike.hw.plan import make_plan
from twinspike.hw.weights.image import HEADER_WORDS, ImageCheck, image_bytes, weight_image

LAST = 1 << 16
NOTHING = (0, 0, 0)


@pytest.fixture(scope="module")
def plan():
    return small_plan()


def test_an_image_holds_the_weights_the_hash_and_a_crc():
    plan = make_plan(wide_network((64, 8)), (8,), "up5k")
    image = weight_image(plan)
    raw = image_bytes(image)
    assert raw[:4] == b"TW\x02\x08"
    assert raw[4:12] == bytes.fromhex(plan.network.content_hash[:16])[::-1]
    assert int.from_bytes(raw[12:16], "little") == len(image) - HEADER_WORDS - 2
    assert image[HEADER_WORDS:-2] == plan.layers[0].load_words()
    assert int.from_bytes(raw[-4:], "little") == zlib.crc32(raw[:-4])


def test_nothing_is_loaded_where_weights_lie_in_block_ram():
    assert weight_image(make_plan(wide_network((64, 8)), (8,), "ecp5-25k")) == []


def outcomes(plan, *streams, stall=0.0):
    """(loaded, foreign, damaged) after each stream of words, `LAST` among them, and what was written."""
    dut, seen, written = ImageCheck(plan.layers[0]), [], {}
    rng = np.random.default_rng(0)

    async def testbench(ctx):
        ctx.set(dut.network_hash, plan.network_hash)
        for words in streams:
            for word in words:
                while rng.random() < stall:
                    await ctx.tick()
                ctx.set(dut.i.p, {"data": word & 0xFFFF, "last": word >> 16})
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
                ctx.set(dut.i.valid, 0)
            await ctx.tick().repeat(4)
            seen.append(tuple(ctx.get(flag) for flag in (dut.loaded, dut.foreign, dut.damaged)))

    async def memory(ctx):
        async for *_, enable, address, word in ctx.tick().sample(dut.o.enable, dut.o.address, dut.o.data):
            if enable:
                written[address] = word

    bench(dut, testbench, memory)
    return seen, written


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_a_sound_image_is_written_and_may_be_used(plan, stall):
    image = weight_image(plan)
    seen, written = outcomes(plan, image, image, stall=stall)
    assert seen == [FINE, FINE]
    assert [written[at] for at in sorted(written)] == plan.layers[0].load_words()
    assert outcomes(plan, [*image[:-1], image[-1] | LAST])[0] == [FINE]


def test_from_the_first_word_on_nothing_may_be_used(plan):
    image = weight_image(plan)
    assert outcomes(plan, image, image[:1])[0] == [FINE, NOTHING]


def test_every_flipped_word_is_found_and_a_good_image_repairs_it(plan):
    image = weight_image(plan)
    for at in range(len(image)):
        broken = list(image)
        broken[at] ^= 1 << (at % 16)
        broken[-1] |= LAST
        assert outcomes(plan, image, broken, image)[0] == [
            FINE,
            FOREIGN if at < HEADER_WORDS else DAMAGED,
            FINE,
        ]


def test_an_image_cut_anywhere_is_found(plan):
    image = weight_image(plan)
    for length in range(1, len(image)):
        cut = [*image[: length - 1], image[length - 1] | LAST]
        assert outcomes(plan, cut, image)[0] == [DAMAGED, FINE], length


def test_a_missing_flash_and_the_image_of_another_network(plan):
    erased = [0xFFFF] * 24 + [0xFFFF | LAST]
    assert outcomes(plan, erased, weight_image(plan))[0] == [FOREIGN, FINE]
    other = dataclasses.replace(plan, network=dataclasses.replace(plan.network, name="other"))
    image = weight_image(other)
    assert outcomes(plan, [*image[:-1], image[-1] | LAST])[0] == [FOREIGN]


def test_an_image_for_other_lanes_is_not_this_cores():
    # Only word 1 tells them apart.
    core, other = (make_plan(wide_network((64, 8)), (lanes,), "up5k") for lanes in (8, 4))
    mine, foreign = weight_image(core), weight_image(other)
    assert len(mine) == len(foreign) and mine[2:HEADER_WORDS] == foreign[2:HEADER_WORDS]
    assert outcomes(core, [*foreign[:-1], foreign[-1] | LAST], mine)[0] == [FOREIGN, FINE]


def test_a_word_takes_2_clocks_and_loaded_rises_4_clocks_after_the_last(plan):
    dut, image, clocks = ImageCheck(plan.layers[0]), weight_image(plan), []

    async def testbench(ctx):
        ctx.set(dut.network_hash, plan.network_hash)
        ctx.set(dut.i.valid, 1)
        taken = 0
        for clock in range(2 * len(image) + 5):
            if taken < len(image):
                ctx.set(dut.i.p, {"data": image[taken], "last": 0})
            else:
                ctx.set(dut.i.valid, 0)
            taken += taken < len(image) and ctx.get(dut.i.ready)
            if ctx.get(dut.loaded):
                clocks.append(clock)
            await ctx.tick()

    bench(dut, testbench)
    assert clocks[0] == 2 * (len(image) - 1) + 4
