"""Reference slots: random commands between frames, held against the golden model."""

import dataclasses
import re

import numpy as np
import pytest
from amaranth.lib import data
from support.control import Bench
from support.hosts import FLAGS, Host, frame_of, play
from support.networks import counting, random_network
from support.streams import bench

from twinspike.hw.core import Core
from twinspike.hw.plan import make_plan
from twinspike.hw.readout.slots import STATUS
from twinspike.hw.weights.image import weight_image
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.board.host import SimulatedBus
from twinspike.sim.siamese import COMMIT, ENROL, VERIFY


def plan_of(seed=6, timesteps=3, widths=(6, 4), classes=3, slots=5, lanes=(), pixels=False, **more):
    network = random_network(seed, timesteps=timesteps, shape=(5,), widths=widths, classes=classes)
    return make_plan(
        dataclasses.replace(network, **more),
        lanes or tuple(min(2, n) for n in widths),
        slots=slots,
        pixels=pixels,
    )


@pytest.fixture(scope="module")
def verilator(tmp_path_factory):
    """A core with all that there is in Verilator, and its plan: slots, pixels, weights that are loaded."""
    plan = plan_of(widths=(12, 4), lanes=(4, 2), pixels=True)
    loaded = dataclasses.replace(plan.layers[0], memory="spram")
    plan = dataclasses.replace(plan, layers=(loaded, *plan.layers[1:]))
    return plan, SimulatedBus(plan, tmp_path_factory.mktemp("slots") / "sim")


def test_long_random_sequences_in_verilator(verilator):
    plan, bus = verilator
    host = Host(plan)
    host.load(weight_image(plan))
    host.anything(np.random.default_rng(3), 4000)
    assert bus.play(host.script) == []


def test_an_image_waits_for_frames_and_frames_for_the_image(verilator):
    """Another network's weights, damaged ones and sound ones come while a frame is half in the core."""
    plan, bus = verilator
    image, host = weight_image(plan), Host(plan)
    host.load(image)
    broken = [*image[:9], image[9] ^ 1, *image[10:]]
    for attempt, seen in ((weight_image(plan, network_hash=1), 0b01001), (broken, 0b10001), (image, 1)):
        words, counts = frame_of(plan, np.random.default_rng(seen))
        host.script.write("MODE", 2)
        host.script.stream(words[:-1])
        host.script.write("LOAD", attempt[0])
        host.script.read("STATUS", 0b11)
        host.frame(words[-1:], counts)
        for word in attempt[1:-1]:
            host.script.write("LOAD", word)
        host.script.write("LOAD", attempt[-1] | 1 << 16)
        host.script.wait(4)
        host.script.read("STATUS", seen - (seen != 1))
        if seen != 1:
            host.load(image)
        host.frame(*frame_of(plan, np.random.default_rng(seen + 1)))
    assert bus.play(host.script) == []


def test_a_wrong_answer_is_found(verilator):
    plan, bus = verilator
    host = Host(plan)
    host.load(weight_image(plan))
    host.command(ENROL)
    host.frame(*frame_of(plan, np.random.default_rng(1)))
    host.command(COMMIT, 4, 9)
    host.golden.holds[4] = False
    host.look(0, 0, 4)
    assert bus.play(host.script) == [
        f"REFERENCE after line {len(host.script.lines) - 1}: {0x90100:08x}, wanted {0x90000:08x}"
    ]


@pytest.mark.parametrize(
    ("bus", "shape"),
    [
        ("wishbone", {}),
        ("axilite", {"timesteps": 1, "widths": (5,), "classes": 1, "slots": 2}),
        ("wishbone", {"timesteps": 6, "widths": (3, 1), "classes": 2, "slots": 2}),
        ("axilite", {"timesteps": 4, "widths": (9,), "classes": 2, "slots": 11, "verify_threshold": 1 << 30}),
    ],
)
def test_random_commands_equal_the_golden_model(bus, shape):
    host = Host(plan_of(**shape))
    host.script.read("FEATURES", host.plan.slots)
    host.anything(np.random.default_rng(2), 30)
    play(host.plan, bus, host.script, seed=1)


@pytest.mark.parametrize(
    ("timesteps", "neurons", "lanes", "slots"), [(8, 32, 4, 4), (8, 24, 4, 3), (5, 20, 2, 9)]
)
def test_an_enrolment_takes_one_frame_and_n_p_and_4_clocks(timesteps, neurons, lanes, slots):
    network = random_network(3, timesteps=timesteps, shape=(5,), widths=(neurons,))
    plan = make_plan(network, (lanes,), slots=slots)
    dut, clocks = Core(plan), []
    words, counts = frame_of(plan, np.random.default_rng(1))
    mode = lambda ctx: ctx.get(data.View(STATUS, dut.command_status).mode)  # noqa: E731

    async def command(ctx, value):
        ctx.set(dut.s_command_tdata, value)
        ctx.set(dut.s_command_tvalid, 1)
        await ctx.tick().until(dut.s_command_tready)
        ctx.set(dut.s_command_tvalid, 0)

    async def frame(ctx):
        for word in words:
            ctx.set(dut.s_axis_tvalid, 1)
            ctx.set(dut.s_axis_tdata, word & 0xFFFF)
            ctx.set(dut.s_axis_tlast, word >> 16)
            await ctx.tick().until(dut.s_axis_tready)
        ctx.set(dut.s_axis_tvalid, 0)
        while not ctx.get(dut.m_result_tvalid):
            await ctx.tick()

    async def testbench(ctx):
        ctx.set(dut.m_axis_tready, 1)
        ctx.set(dut.m_result_tready, 1)
        await command(ctx, ENROL)
        while mode(ctx) != ENROL:
            await ctx.tick()
        await frame(ctx)
        # The command is there at once; it waits until the frame is staged.
        await command(ctx, COMMIT | slots - 1 << 8 | 77 << 16)
        clocks.append(1)
        while ctx.get(data.View(STATUS, dut.command_status).busy):
            await ctx.tick()
            clocks[-1] += 1
        # It is in place: the same frame finds it at distance 0 (or one before it that is as near).
        await frame(ctx)
        record = ctx.get(dut.m_result_tdata)
        assert (record & 0xFFFF_FFFF, record >> 64 & 0xFFFF) == (0, 77)

    bench(dut, testbench)
    assert clocks == [neurons + plan.record_pieces + 4]
    assert clocks[0] <= timesteps * neurons / lanes
    assert counts.any()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"slots": 2},
            "hardware.slots = 2 is not allowed: expected 3..254, from the network's references on",
        ),
        ({"slots": 255}, "hardware.slots = 255 is not allowed"),
        (
            {"slots": 4, "events_per_clock": (1, 1)},
            "hardware.slots = 4: a core of several events per clock has fixed",
        ),
    ],
)
def test_slots_that_do_not_suit(change, text):
    with pytest.raises(TwinspikeError, match=re.escape(text)):
        make_plan(random_network(), **change)


def test_a_network_that_counts_spikes_has_no_slots():
    with pytest.raises(TwinspikeError, match="counts spikes instead of comparing references"):
        make_plan(counting(), slots=3)


def test_a_core_without_slots_ignores_commands():
    plan = make_plan(random_network(6, timesteps=3, shape=(5,), widths=(4,)), (2,))
    b = Bench(plan, "wishbone")

    async def story(ctx):
        assert await b.read(ctx, "FEATURES") == 0
        await b.write(ctx, "COMMAND", VERIFY | 1 << 8)
        assert await b.read(ctx, "COMMAND_STATUS") == 0
        assert await b.read(ctx, "ERRORS") == FLAGS["command_unknown"]

    b.run(story)


def test_a_command_while_a_frame_is_in_the_core_is_refused():
    host = Host(plan_of())
    words, counts = frame_of(host.plan, np.random.default_rng(4))
    host.script.stream(words[:-1])
    for name in ("COMMAND", "REFERENCE_AT", "STAGE"):
        host.script.write(name, VERIFY)
        host.script.read("ERRORS", FLAGS["command_busy"])
        host.script.write("ERRORS", FLAGS["command_busy"])
    host.frame(words[-1:], counts)
    host.settle()
    play(host.plan, "wishbone", host.script)


def test_a_second_enrolment_and_a_reset_leave_the_slot_as_it_was():
    host, rng = Host(plan_of()), np.random.default_rng(5)
    host.command(ENROL)
    host.frame(*frame_of(host.plan, rng))
    assert host.command(COMMIT, 4, 9) is None
    first = host.golden.slots[4].counts.copy()
    host.frame(*frame_of(host.plan, rng))
    host.script.stream([0x8000, 1])
    host.reset()
    assert host.command(COMMIT, 4, 10) == "nothing_staged"
    for n in range(host.plan.network.outputs):
        for t in range(host.plan.network.timesteps):
            host.look(n, t, 4)
    assert (host.golden.slots[4].counts == first).all() and host.golden.slots[4].label == 9
    play(host.plan, "wishbone", host.script)
