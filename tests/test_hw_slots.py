"""Reference slots: random commands between frames, held against the golden model."""

import dataclasses
import re

import numpy as np
import pytest
from amaranth.lib import data
from networks import counting, random_network
from streams import bench
from test_hw_control import LAST, Bench

from twinspike.hw.core import Core
from twinspike.hw.plan import make_plan
from twinspike.hw.registers import COMMAND_ERRORS, REGISTERS
from twinspike.hw.slots import STATUS
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import frame_words
from twinspike.sim.golden import run
from twinspike.sim.siamese import CLASSIFY, CLEAR, COMMIT, EMBED, ENROL, VERIFY, SiameseCore

FLAGS = {f.name: 1 << f.low for r in REGISTERS if r.name == "ERRORS" for f in r.fields}
REFUSED = {FLAGS[name] for name, _ in COMMAND_ERRORS}


def plan_of(seed=6, timesteps=3, widths=(6, 4), classes=3, slots=5, **more):
    network = random_network(seed, timesteps=timesteps, shape=(5,), widths=widths, classes=classes)
    return make_plan(dataclasses.replace(network, **more), tuple(min(2, n) for n in widths), slots=slots)


def frame_of(plan, rng):
    """(Event words, cumulative output counts [T, N]) of random input spikes."""
    spikes = rng.random((plan.network.timesteps, 1, plan.network.inputs)) < rng.choice([0.2, 0.5, 0.9])
    words = [int(w) | int(end) << 16 for w, end in zip(*frame_words(spikes[:, 0]), strict=True)]
    return words, run(plan.network, spikes).output_counts[:, 0]


class Session:
    """A host: every write goes to the core and to the golden model, every answer is compared."""

    def __init__(self, plan, bus="wishbone", **options):
        self.plan, self.bench = plan, Bench(plan, bus, **options)
        self.golden = SiameseCore(plan.network, plan.slots)

    async def settle(self, ctx, refused=None):
        while await self.bench.read(ctx, "COMMAND_STATUS") >> 17 & 1:
            pass
        assert await self.bench.read(ctx, "ERRORS") == (FLAGS[refused] if refused else 0)
        await self.bench.write(ctx, "ERRORS", 0xFFFF_FFFF)
        g = self.golden
        status = await self.bench.read(ctx, "COMMAND_STATUS")
        assert status == g.mode | g.only << 8 | g.staged << 16

    async def command(self, ctx, code, slot=0, label=0):
        value = code | slot << 8 | label << 16
        await self.bench.write(ctx, "COMMAND", value)
        refused = self.golden.command(value)
        await self.settle(ctx, refused)
        return refused

    async def look(self, ctx, neuron, step, slot):
        value = neuron | step << 16 | slot << 24
        await self.bench.write(ctx, "REFERENCE_AT", value)
        wanted = self.golden.reference_at(value)
        await self.settle(ctx, wanted if isinstance(wanted, str) else None)
        if not isinstance(wanted, str):
            found = await self.bench.read(ctx, "REFERENCE")
            assert (found & 0xFF, bool(found >> 8 & 1), found >> 16) == wanted
        return wanted

    async def stage(self, ctx, count):
        await self.bench.write(ctx, "STAGE", count)
        await self.settle(ctx, self.golden.stage(count))

    async def frame(self, ctx, words, counts, sound=True):
        await self.bench.send(ctx, words)
        label, distance, runner_up, same = await self.bench.result(ctx)
        answer = self.golden.frame(counts, sound=sound)
        assert (label, distance, runner_up, bool(same)) == dataclasses.astuple(answer)
        return answer

    async def soft_reset(self, ctx):
        await self.bench.write(ctx, "CONTROL", 1)
        self.golden.reset()


async def random_story(session, ctx, rng, length):
    plan = session.plan
    T, N, K = plan.network.timesteps, plan.network.outputs, plan.slots
    kinds = rng.choice(
        ["mode", "commit", "clear", "bad", "look", "stage", "frame", "broken", "reset"], size=length,
        p=[0.2, 0.2, 0.08, 0.05, 0.12, 0.03, 0.26, 0.03, 0.03],
    )  # fmt: skip
    for kind in kinds:
        slot = int(rng.integers(K))
        if kind == "mode":
            await session.command(ctx, int(rng.choice([CLASSIFY, EMBED, ENROL, ENROL, VERIFY])), slot)
        elif kind == "commit":
            await session.command(ctx, COMMIT, slot, int(rng.integers(1 << 16)))
        elif kind == "clear":
            await session.command(ctx, CLEAR, slot)
        elif kind == "bad":
            await session.command(ctx, int(rng.integers(VERIFY, 256)), int(rng.integers(K, 256)))
        elif kind == "look":
            where = int(rng.choice([slot, 0xFF, int(rng.integers(256))]))
            await session.look(ctx, int(rng.integers(N + (rng.random() < 0.1))), int(rng.integers(T)), where)
        elif kind == "stage":
            await session.look(ctx, 0, 0, 0xFF)
            for _ in range(int(rng.choice([T * N, T * N, int(rng.integers(T * N))]))):
                await session.stage(ctx, int(rng.integers(T + 1 + (rng.random() < 0.02))))
        elif kind == "reset":
            await session.soft_reset(ctx)
        elif kind == "broken":
            # An early `last` behind a first address: a frame of silent steps but for that address.
            spikes = np.zeros((T, 1, plan.network.inputs), bool)
            spikes[0, 0, 1] = True
            await session.bench.send(ctx, [1 | LAST])
            label, *rest, same = await session.bench.result(ctx)
            answer = session.golden.frame(run(plan.network, spikes).output_counts[:, 0], sound=False)
            assert (label, *rest, bool(same)) == dataclasses.astuple(answer)
            assert await session.bench.read(ctx, "ERRORS") == FLAGS["early_last"]
            await session.bench.write(ctx, "ERRORS", 0xFFFF_FFFF)
            await session.settle(ctx)
        else:
            await session.frame(ctx, *frame_of(plan, rng))


@pytest.mark.parametrize(
    ("bus", "shape"),
    [
        ("wishbone", {}),
        ("axilite", {"timesteps": 1, "widths": (5,), "classes": 1, "slots": 2}),
        ("wishbone", {"timesteps": 6, "widths": (3, 1), "classes": 2, "slots": 2}),
        ("axilite", {"timesteps": 4, "widths": (9,), "classes": 2, "slots": 11, "verify_threshold": 1 << 30}),
    ],
)  # fmt: skip
def test_random_commands_equal_the_golden_model(bus, shape):
    plan = plan_of(**shape)
    session, rng = Session(plan, bus, seed=1), np.random.default_rng(2)

    async def story(ctx):
        assert await session.bench.read(ctx, "FEATURES") & 0xFF == plan.slots
        await random_story(session, ctx, rng, 60)

    session.bench.run(story)


@pytest.mark.parametrize(
    ("timesteps", "neurons", "lanes", "slots"), [(8, 32, 4, 4), (8, 24, 4, 3), (5, 20, 2, 9)]
)
def test_an_enrolment_takes_one_frame_and_n_p_and_3_clocks(timesteps, neurons, lanes, slots):
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

    async def testbench(ctx):
        ctx.set(dut.m_axis_tready, 1)
        ctx.set(dut.m_result_tready, 1)
        await command(ctx, ENROL)
        while mode(ctx) != ENROL:
            await ctx.tick()
        for word in words:
            ctx.set(dut.s_axis_tvalid, 1)
            ctx.set(dut.s_axis_tdata, word & 0xFFFF)
            ctx.set(dut.s_axis_tlast, word >> 16)
            await ctx.tick().until(dut.s_axis_tready)
        ctx.set(dut.s_axis_tvalid, 0)
        while not ctx.get(dut.m_result_tvalid):
            await ctx.tick()
        # The command is there at once; it waits until the frame is staged.
        await command(ctx, COMMIT | slots - 1 << 8 | 77 << 16)
        clocks.append(1)
        while ctx.get(data.View(STATUS, dut.command_status).busy):
            await ctx.tick()
            clocks[-1] += 1
        # It is in place: the same frame finds it at distance 0 (or one before it that is as near).
        for word in words:
            ctx.set(dut.s_axis_tvalid, 1)
            ctx.set(dut.s_axis_tdata, word & 0xFFFF)
            ctx.set(dut.s_axis_tlast, word >> 16)
            await ctx.tick().until(dut.s_axis_tready)
        ctx.set(dut.s_axis_tvalid, 0)
        while not ctx.get(dut.m_result_tvalid):
            await ctx.tick()
        record = ctx.get(dut.m_result_tdata)
        assert (record & 0xFFFF_FFFF, record >> 64 & 0xFFFF) == (0, 77)

    bench(dut, testbench)
    assert clocks == [neurons + plan.label_pieces + 3]
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
        ({"slots": 4, "banks": (1, 1)}, "hardware.slots = 4: a core of several events a clock has fixed"),
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
    plan = plan_of()
    session, rng = Session(plan), np.random.default_rng(4)
    words, counts = frame_of(plan, rng)

    async def story(ctx):
        b = session.bench
        await b.send(ctx, words[:-1])
        for name in ("COMMAND", "REFERENCE_AT", "STAGE"):
            await b.write(ctx, name, VERIFY)
            assert await b.read(ctx, "ERRORS") == FLAGS["command_busy"]
            await b.write(ctx, "ERRORS", FLAGS["command_busy"])
        await session.frame(ctx, words[-1:], counts)
        await session.settle(ctx)

    session.bench.run(story)


def test_a_second_enrolment_and_a_reset_leave_the_slot_as_it_was():
    plan = plan_of()
    session, rng = Session(plan), np.random.default_rng(5)

    async def story(ctx):
        await session.command(ctx, ENROL)
        await session.frame(ctx, *frame_of(plan, rng))
        assert await session.command(ctx, COMMIT, 4, 9) is None
        first = session.golden.slots[4].counts.copy()
        await session.frame(ctx, *frame_of(plan, rng))
        await session.bench.send(ctx, [0x8000, 1])
        await session.soft_reset(ctx)
        assert await session.command(ctx, COMMIT, 4, 10) == "nothing_staged"
        for n in range(plan.network.outputs):
            for t in range(plan.network.timesteps):
                assert (await session.look(ctx, n, t, 4)) == (first[t, n], True, 9)

    session.bench.run(story)
