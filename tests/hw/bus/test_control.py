"""A core behind its registers, driven over each bus with random pauses on every channel."""

import dataclasses

import numpy as np
import pytest
from support.buses import MASTERS
from support.control import AT, RESULT_WAITING, Bench
from support.conv_cores import held_network
from support.networks import random_network

from twinspike.hw.bus.control import EVENT_DEPTH, check_bus
from twinspike.hw.bus.registers import IDENTIFICATION
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.cycles import frame_times
from twinspike.hw.weights.image import weight_image
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import frame_words
from twinspike.numerics.values import VALUE, value_words
from twinspike.sim.golden import run

T = 3
BUSY, LOADED = 2, 1
FOREIGN, DAMAGED = 8, 16
LAST = 1 << 16


@pytest.fixture(scope="module")
def plan():
    return make_plan(random_network(6, timesteps=T, shape=(5,), widths=(6, 4), classes=3), (2, 3))


def frames_of(plan, seed, count):
    """(Input spikes [T, B, N], words of each frame, (label, distance, runner-up) of each frame)."""
    spikes = np.random.default_rng(seed).random((T, count, plan.network.inputs)) < 0.5
    words = [
        [int(w) | int(end) << 16 for w, end in zip(*frame_words(spikes[:, b]), strict=True)]
        for b in range(count)
    ]
    r = run(plan.network, spikes).results
    return spikes, words, list(zip(r.label.tolist(), r.distance.tolist(), r.runner_up.tolist(), strict=True))


buses = pytest.mark.parametrize("bus", MASTERS)


@buses
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_frames_over_the_bus_alone(plan, bus, stall):
    _, words, wanted = frames_of(plan, 1, 3)
    b = Bench(plan, bus, seed=2, stall=stall)

    async def story(ctx):
        assert await b.read(ctx, "ID") == IDENTIFICATION
        low, high = await b.read(ctx, "HASH_LOW"), await b.read(ctx, "HASH_HIGH")
        assert f"{high << 32 | low:016x}" == plan.network.content_hash[:16]
        assert await b.read(ctx, "FRAME") == T | plan.references << 16
        assert await b.read(ctx, "SHAPE") == plan.network.inputs | plan.network.outputs << 16
        assert await b.read(ctx, "STATUS") == LOADED
        for frame, expected in zip(words, wanted, strict=True):
            await b.send(ctx, frame)
            assert await b.result(ctx) == (*expected, expected[1] <= plan.network.verify_threshold)
        assert await b.read(ctx, "STATUS") == LOADED
        assert await b.read(ctx, "ERRORS") == 0
        assert await b.read(ctx, "FRAMES") == len(words)
        # Write-only and unnamed registers read as zero.
        assert [await b.master.read(ctx, at) for at in (AT["EVENT"], AT["COMMAND"], 0x4C, 0xFFC)] == [0] * 4

    b.run(story)
    assert [r[:3] for r in b.results] == wanted
    assert b.spikes >= 3 * T


@buses
def test_frames_of_stream_and_bus_never_mix(plan, bus):
    _, words, wanted = frames_of(plan, 3, 8)
    b = Bench(plan, bus, seed=4, stall=0.3, stream=[w for f in words[:5] for w in f])

    async def story(ctx):
        for frame in words[5:]:
            await b.send(ctx, frame)
        while await b.read(ctx, "FRAMES") < 8:
            pass
        assert not await b.read(ctx, "STATUS") & BUSY

    b.run(story)
    seen = [r[:3] for r in b.results]
    assert sorted(seen) == sorted(wanted) and len(set(wanted)) > 3
    # Each source's frames stay in their order.
    for part in (wanted[:5], wanted[5:]):
        rest = iter(seen)
        assert all(result in rest for result in part)


def test_words_that_say_a_value_are_no_steps():
    """Frames of graded pixels with more VALUE words than steps: the core is idle behind each of them."""
    network = held_network()
    plan = make_plan(network, (1, 2), "up5k")
    images = np.random.default_rng(3).integers(0, 256, (3, *network.shape), dtype=np.uint8)
    spikes = network.encode(images)
    wanted = run(network, spikes).results
    b = Bench(plan, "wishbone")

    async def story(ctx):
        for frame in range(len(images)):
            words = value_words(spikes[:, frame])
            assert sum(int(word) & VALUE == VALUE for word in words[0]) > network.timesteps
            await b.send(ctx, [int(w) | int(end) << 16 for w, end in zip(*words, strict=True)])
            assert (await b.result(ctx))[:2] == (wanted.label[frame], wanted.distance[frame])
            assert await b.read(ctx, "STATUS") == LOADED
        assert await b.read(ctx, "FRAMES") == len(images)

    b.run(story)


def test_cycles_are_those_of_the_contract(plan):
    spikes, words, _ = frames_of(plan, 5, 4)
    layers = run(plan.network, spikes).spikes
    started, finished = frame_times(plan, spikes, layers, isolate=True)
    b = Bench(plan, "wishbone")
    measured = []

    async def story(ctx):
        # The contract's first word is offered in clock 1: here it is chosen in clock 0.
        for frame in words:
            b.stream = frame
            await b._source(ctx)
            await b.result(ctx)
            measured.append(await b.read(ctx, "CYCLES"))

    b.run(story)
    assert measured == (finished - started).tolist()


@buses
def test_threshold_errors_interrupt_and_soft_reset(plan, bus):
    _, words, wanted = frames_of(plan, 7, 2)
    distance = wanted[0][1]
    b = Bench(plan, bus, seed=8, stall=0.2)

    async def story(ctx):
        assert await b.read(ctx, "THRESHOLD") == plan.network.verify_threshold
        for threshold, same in ((distance, 1), (distance - 1, 0)):
            await b.write(ctx, "THRESHOLD", threshold)
            await b.send(ctx, words[0])
            assert await b.result(ctx) == (*wanted[0], same)
        # Bytes that are not selected stay.
        await b.write(ctx, "THRESHOLD", 0x11223344)
        await b.write(ctx, "THRESHOLD", 0xAABBCCDD, mask=0b0101)
        assert await b.read(ctx, "THRESHOLD") == 0x11BB33DD

        # An address out of range and an early `last`: two flags, cleared one by one.
        await b.write(ctx, "INTERRUPT", 2)
        assert b.irq == 0
        await b.send(ctx, [0x7FFF, LAST | 0])
        await b.result(ctx)
        assert await b.read(ctx, "ERRORS") == 0b11
        assert b.irq == 1
        await b.write(ctx, "ERRORS", 0b01)
        assert await b.read(ctx, "ERRORS") == 0b10
        # A write that does not reach both bytes of the event word sends nothing.
        await b.write(ctx, "EVENT", 0x8000, mask=0b0010)
        assert await b.read(ctx, "EVENT_SPACE") == EVENT_DEPTH

        # More words than fit while output spikes are not taken: reset, and all is well again.
        await b.write(ctx, "MODE", 1)
        ctx.set(b.dut.m_axis_tready, 0)
        for word in (words[0] * 20)[: 2 * EVENT_DEPTH + 20]:
            await b.write(ctx, "EVENT", word)
        ctx.set(b.dut.m_axis_tready, 1)
        assert await b.read(ctx, "ERRORS") & 0x100
        assert await b.read(ctx, "STATUS") & BUSY
        await b.write(ctx, "CONTROL", 1)
        state = [await b.read(ctx, n) for n in ("STATUS", "ERRORS", "FRAMES", "EVENT_SPACE", "MODE")]
        assert state == [LOADED, 0, 0, EVENT_DEPTH, 1]
        await b.send(ctx, words[1])
        assert (await b.result(ctx))[:3] == wanted[1]

    b.run(story)


def test_held_results_wait_for_the_bus(plan):
    _, words, wanted = frames_of(plan, 9, 4)
    b = Bench(plan, "wishbone", stream=[w for f in words for w in f])

    async def story(ctx):
        await b.write(ctx, "MODE", 1)
        await ctx.tick().repeat(400)
        assert [(await b.result(ctx))[:3] for _ in words] == wanted

    b.run(story)
    assert [r[:3] for r in b.results] == wanted


def test_a_core_of_several_events_a_clock_has_no_bus():
    plan = make_plan(random_network(), events_per_clock=(2, 1))
    with pytest.raises(TwinspikeError, match=r"takes 2 events per clock: a bus is too slow .* stream ports"):
        check_bus(plan)


def test_a_wide_core_of_one_event_a_clock_has_one():
    plan = make_plan(random_network(6, timesteps=T, shape=(5,), widths=(6, 4)), events_per_clock=(1, 1))
    _, words, wanted = frames_of(plan, 1, 2)
    b = Bench(plan, "axilite")

    async def story(ctx):
        for frame, expected in zip(words, wanted, strict=True):
            await b.send(ctx, frame)
            assert (await b.result(ctx))[:3] == expected

    b.run(story)


@pytest.fixture(scope="module")
def loading():
    """A plan whose first layer is said to lie in SPRAM, and its image."""
    small = make_plan(random_network(6, timesteps=T, shape=(5,), widths=(12, 4), classes=3), (4, 2))
    plan = dataclasses.replace(
        small, layers=(dataclasses.replace(small.layers[0], memory="spram"), small.layers[1])
    )
    return plan, weight_image(plan)


def test_weights_come_through_the_register_or_the_stream_and_outlive_a_soft_reset(loading):
    plan, image = loading
    _, words, _ = frames_of(plan, 3, 2)
    b, reloads = Bench(plan, "wishbone"), []

    async def load(ctx, words):
        for at, word in enumerate(words):
            await b.write(ctx, "LOAD", word | (at == len(words) - 1) << 16)
        await ctx.tick().repeat(4)

    async def story(ctx):
        async def status():
            return (await b.read(ctx, "STATUS")) & ~RESULT_WAITING

        assert (await b.read(ctx, "FEATURES"), await status()) == (1 << 17, 0)
        await load(ctx, image[:1])
        assert await b.read(ctx, "ERRORS") == 0x800  # not the register's turn
        await b.write(ctx, "ERRORS", 0x800)
        await b.write(ctx, "MODE", 2)
        await load(ctx, [*image[:5], image[5] ^ 1])
        assert await status() == FOREIGN
        await load(ctx, image[:-1])
        assert await status() == DAMAGED
        # A frame waits for a sound image, and is none of the image's business.
        await b.send(ctx, [0x8000])
        assert await status() == DAMAGED | BUSY
        await load(ctx, image)
        assert await status() == LOADED | BUSY
        await b.write(ctx, "CONTROL", 1)
        assert await status() == LOADED
        # A new image waits for the frame that needs the old one, and the next frame for the image.
        await b.send(ctx, words[0][:-1])
        await b.write(ctx, "LOAD", image[0])
        assert (await b.read(ctx, "ERRORS"), await status()) == (0, LOADED | BUSY)
        await b.write(ctx, "LOAD", image[0])
        assert await b.read(ctx, "ERRORS") == 0x800
        await b.send(ctx, [*words[0][-1:], *words[1]])
        await b.result(ctx)  # without weights: this simulator has no model of their memory
        assert await status() == BUSY
        await load(ctx, image[1:])
        await b.write(ctx, "ERRORS", 0x800)
        assert await status() == LOADED | BUSY
        await b.result(ctx)
        assert not reloads
        await load(ctx, image[:1])
        await b.write(ctx, "CONTROL", 1)  # now nothing is loaded
        await b.write(ctx, "CONTROL", 2)
        assert (await status(), len(reloads)) == (0, 2)
        await b.write(ctx, "MODE", 0)
        for word in image:
            ctx.set(b.dut.s_load_tvalid, 1)
            ctx.set(b.dut.s_load_tdata, word)
            await ctx.tick().until(b.dut.s_load_tready)
        ctx.set(b.dut.s_load_tvalid, 0)
        await ctx.tick().repeat(5)
        assert await status() == LOADED

    async def watch(ctx):
        async for *_, reload in ctx.tick().sample(b.dut.reload):
            if reload:
                reloads.append(1)

    b.background = [watch]
    b.run(story)


@buses
def test_frames_of_pixels_and_of_events_alternate(bus):
    network = random_network(6, timesteps=T, shape=(5,), widths=(6, 4), classes=3)
    plan = make_plan(network, (2, 3), pixels=True)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (6, 5), dtype=np.uint8)
    found = run(network, network.encode(images)).results
    wanted = list(zip(found.label.tolist(), found.distance.tolist(), found.runner_up.tolist(), strict=True))
    events = [
        [int(w) | int(e) << 16 for w, e in zip(*network.encoder.events(image, T), strict=True)]
        for image in images
    ]
    b = Bench(plan, bus, seed=3, stall=0.1)

    async def story(ctx):
        assert (await b.read(ctx, "FEATURES"), await b.read(ctx, "PIXEL_SPACE")) == (1 << 16, 5)
        for number in (0, 1, 2):  # by register, by stream, as events
            for at, pixel in enumerate(images[number].tolist()):
                if number == 0:
                    assert await b.read(ctx, "PIXEL_SPACE") == 5 - at
                    await b.write(ctx, "PIXEL", pixel | (at == 4) << 8)
                elif number == 1:
                    ctx.set(b.dut.s_pixel_tvalid, 1)
                    ctx.set(b.dut.s_pixel_tdata, pixel)
                    ctx.set(b.dut.s_pixel_tlast, at == 4)
                    await ctx.tick().until(b.dut.s_pixel_tready)
                    ctx.set(b.dut.s_pixel_tvalid, 0)
            if number == 2:
                await b.send(ctx, events[2])
            assert (await b.result(ctx))[:3] == wanted[number]
        assert await b.read(ctx, "ERRORS") == 0
        # Pixels that come in the middle of a frame of events wait for its end.
        for word in events[4][:-1]:
            await b.write(ctx, "EVENT", word)
        for at, pixel in enumerate(images[5].tolist()):
            await b.write(ctx, "PIXEL", pixel | (at == 4) << 8)
        await b.write(ctx, "PIXEL", 1)  # while the frame is being sent: nothing lets it in
        assert (await b.read(ctx, "ERRORS"), await b.read(ctx, "PIXEL_SPACE")) == (0x200, 0)
        await b.write(ctx, "EVENT", events[4][-1])
        assert (await b.result(ctx))[:3] == wanted[4]
        assert (await b.result(ctx))[:3] == wanted[5]
        b.stream = events[3]
        await b._source(ctx)
        assert (await b.result(ctx))[:3] == wanted[3]
        await b.write(ctx, "ERRORS", 0x200)
        # A frame of too few pixels is none, nor is what a soft reset cuts off.
        await b.write(ctx, "PIXEL", 1 << 8)
        await ctx.tick().repeat(2)
        assert (await b.read(ctx, "ERRORS"), await b.read(ctx, "STATUS")) == (0x400, LOADED)
        await b.write(ctx, "PIXEL", 7)
        await b.write(ctx, "CONTROL", 1)
        assert await b.read(ctx, "PIXEL_SPACE") == 5

    b.run(story)
    assert len(b.results) == 6
