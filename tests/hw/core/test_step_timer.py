"""The step timer: TICKs by the clock, events in the step in which they pass, none lost but those counted."""

import numpy as np
import pytest
from support.networks import random_network
from support.streams import bench

from twinspike.hw.core import Core
from twinspike.hw.core.signature import core_members
from twinspike.hw.core.step_timer import StepTimer
from twinspike.hw.plan import make_plan
from twinspike.hw.readout.result import RESULT
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import TICK, frame_words
from twinspike.numerics.ingress import LAST, sanitise
from twinspike.sim.golden import run

T = 3
FIELDS = ("distance", "runner_up", "label", "same")


@pytest.fixture(scope="module")
def plan():
    network = random_network(6, timesteps=T, shape=(5,), widths=(6, 4), classes=3)
    return make_plan(network, (2, 3), step_timer=50)


class Live:
    """A core with a live source: events at random times while the timer runs, then frames with their TICKs.

    `stall`: chance in each clock that an output is not taken, and every so often for a long while. Records
    what enters the core (`entered`, words with LAST), the clocks of its TICKs, and what comes out.
    """

    def __init__(self, plan, seed, *, clocks, period, chance, stall=0.0, drop=False, on_event=False):
        self.core, self.rng = Core(plan), np.random.default_rng(seed)
        self.plan, self.clocks, self.period, self.chance = plan, clocks, period, chance
        self.stall, self.drop, self.on_event = stall, drop, on_event
        self.offered, self.entered, self.results, self.out = [], [], [], []
        self.word, self.ticks, self.started, self.dropped, self.late, self.flags = 0, [], None, 0, 0, 0
        spikes = self.rng.random((T, 2, plan.network.inputs)) < 0.5
        self.frames = [
            int(w) | int(end) << 16
            for b in range(2)
            for w, end in zip(*frame_words(spikes[:, b]), strict=True)
        ]
        bench(self.core, self._testbench)

    async def _testbench(self, ctx):
        core, rng, held, queue, asleep = self.core, self.rng, None, None, 0
        for name, value in (("drop", self.drop), ("on_event", self.on_event), ("period", self.period)):
            ctx.set(getattr(core, f"timer_{name}"), value)
        idle = clock = 0
        while idle < 600:
            live = clock < self.clocks
            ctx.set(core.timer_run, live)
            running = ctx.get(core.timer_running)
            if live and running:
                self.started = clock if self.started is None else self.started
                if held is None and rng.random() < self.chance:
                    # Whatever a source says beside its addresses means nothing.
                    held = int(rng.integers(self.plan.network.inputs)) | LAST * int(rng.random() < 0.1)
                    held = TICK | LAST if rng.random() < 0.1 else held
                    self.offered.append(held)
            elif not live and not running and queue is None and held is not None and held >= TICK:
                held = None if held & TICK else held & 0x7FFF  # once the timer stands they mean something
            elif not live and not running and held is None:
                queue = list(self.frames) if queue is None else queue
                held = queue.pop(0) if queue else None
            ctx.set(core.s_axis_tvalid, held is not None)
            ctx.set(core.s_axis_tdata, (held or 0) & 0xFFFF)
            ctx.set(core.s_axis_tlast, (held or 0) >> 16)
            asleep = asleep - 1 if asleep else int(not idle and rng.random() < self.stall / 50) * 400
            for name in ("m_axis", "m_result"):
                ctx.set(getattr(core, f"{name}_tready"), not asleep and rng.random() >= self.stall)
            self._watch(ctx, clock)
            if held is not None and ctx.get(core.s_axis_tready):
                held = None
            settled = not live and not running and held is None and queue == []
            idle = idle + 1 if settled else 0
            clock += 1
            assert clock < 100_000
            await ctx.tick()

    def _watch(self, ctx, clock):
        core = self.core
        # What entered is told a clock later.
        if ctx.get(core.timer_event):
            self.entered.append(self.word | ctx.get(core.timer_last) << 16)
        if ctx.get(core.timer_tick):
            self.entered.append(TICK | ctx.get(core.timer_last) << 16)
            self.ticks.append(clock - 1)
        self.word = ctx.get(core.s_axis_tdata)
        if ctx.get(core.m_axis_tvalid) and ctx.get(core.m_axis_tready):
            word = ctx.get(core.m_axis_tdata) | ctx.get(core.m_axis_tlast) << 16
            self.out.append(word if not word & TICK else word & (LAST | TICK))
        if ctx.get(core.m_result_tvalid) and ctx.get(core.m_result_tready):
            record = ctx.get(core.m_result_tdata)
            self.results.append(
                tuple(record >> RESULT[n].offset & (1 << RESULT[n].width) - 1 for n in FIELDS)
            )
        self.dropped, self.late = ctx.get(core.timer_dropped), ctx.get(core.timer_late)
        self.flags = ctx.get(core.error_flags)

    def check(self):
        """Results and spikes are the golden model's for what entered, step by step."""
        network = self.plan.network
        assert sum(word >= TICK for word in (w & 0xFFFF for w in self.entered)) % T == 0
        counts, flags = sanitise(self.entered, T, network.inputs)
        trace = run(network, counts)
        assert self.results == list(
            zip(*(getattr(trace.results, name).tolist() for name in FIELDS), strict=True)
        )
        frames = (trace.spikes[-1][:, b] for b in range(counts.shape[1]))
        wanted = [int(w) | int(end) << 16 for f in frames for w, end in zip(*frame_words(f), strict=True)]
        assert self.out == wanted
        # A live source may repeat an address in a step; nothing else goes wrong.
        assert self.flags == int(np.bitwise_or.reduce(flags)) and not self.flags & 7
        return counts.shape[1]

    def events(self):
        """Addresses that were offered, and those that entered, before the frames with TICKs."""
        entered = [w & 0xFFFF for w in self.entered[: len(self.entered) - len(self.frames)]]
        return [w & 0xFFFF for w in self.offered if not w & TICK], [w for w in entered if w < TICK]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("on_event", [False, True])
@pytest.mark.parametrize(("period", "chance", "stall"), [(60, 0.05, 0.0), (40, 0.3, 0.3), (9, 0.2, 0.3)])
def test_waiting_events_all_come_in_order_and_the_core_is_golden(plan, seed, on_event, period, chance, stall):
    live = Live(plan, seed, clocks=1500, period=period, chance=chance, stall=stall, on_event=on_event)
    assert live.check() > 5
    offered, entered = live.events()
    assert entered == offered and not live.dropped
    assert live.entered[-len(live.frames) :] == live.frames


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("on_event", [False, True])
def test_dropped_events_are_counted_and_the_others_golden(plan, seed, on_event):
    live = Live(plan, seed, clocks=1500, period=40, chance=0.5, stall=0.3, drop=True, on_event=on_event)
    assert live.check() > 5
    offered, entered = live.events()
    assert live.dropped == len(offered) - len(entered) > 0
    rest = iter(offered)
    assert all(address in rest for address in entered)
    assert live.entered[-len(live.frames) :] == live.frames


def test_ticks_come_by_the_clock(plan):
    live = Live(plan, 1, clocks=3000, period=60, chance=0.05)
    live.check()
    ticks = live.ticks[: -2 * T]
    assert ticks == [live.started + 60 * (k + 1) for k in range(len(ticks))] and len(ticks) > 40
    assert not live.late


def test_a_core_that_is_not_ready_stretches_steps_by_whole_periods(plan):
    live = Live(plan, 2, clocks=4000, period=9, chance=0.2, stall=0.4)
    live.check()
    steps = np.diff(live.ticks[: -2 * T])
    # A TICK passes late within its period, so a step may look shorter than the one before was long.
    assert live.late and (live.ticks[-2 * T - 1] - live.started) // 9 - len(steps) - 1 == live.late


def passing(offers, clocks, *, period=5, on_event=True, timesteps=2, drop=False, ready=lambda clock: True):
    """(clock, word) of all that passes a timer by itself, `offers` giving the clock of each address."""
    dut, found = StepTimer(timesteps), []

    async def testbench(ctx):
        for name, value in (("run", 1), ("on_event", on_event), ("period", period), ("drop", drop)):
            ctx.set(getattr(dut, f"timer_{name}"), value)
        queue = sorted(offers)
        for clock in range(clocks):
            waits = bool(queue) and queue[0] <= clock
            ctx.set(dut.i.valid, waits)
            ctx.set(dut.i.p.data, 1)
            ctx.set(dut.o.ready, ready(clock))
            if ctx.get(dut.o.valid) and ready(clock):
                found.append((clock, ctx.get(dut.o.p.data) | ctx.get(dut.o.p.last) << 16))
            if waits and ctx.get(dut.i.ready):
                queue.pop(0)
            await ctx.tick()
        found.append((ctx.get(dut.timer_dropped), ctx.get(dut.timer_late)))

    bench(dut, testbench)
    return found[:-1], found[-1]


def test_with_on_event_a_frame_begins_behind_its_first_event():
    found, _ = passing([7, 40], 70)
    last = TICK | LAST
    assert found == [(7, 1), (13, TICK), (18, last), (40, 1), (46, TICK), (51, last)]


def test_counters_stay_at_their_most():
    _, counted = passing(
        [*range(3, 70_000)], 70_000, period=1, on_event=False, drop=True, ready=lambda c: False
    )
    assert counted == (0xFFFF, 0xFFFF)


def test_a_late_tick_goes_ahead_of_events_and_stands_for_those_it_missed():
    found, (dropped, late) = passing([10], 30, on_event=False, timesteps=9, ready=lambda c: c >= 19)
    # Running from clock 1: TICKs are due at 6, 11, 16 and 21; that of 6 stands for three.
    assert found[:3] == [(19, TICK), (20, 1), (21, TICK)] and (dropped, late) == (0, 2)


def test_only_cores_of_one_plain_event_a_clock_have_a_timer():
    network = random_network(6, timesteps=T, shape=(8,), widths=(6, 4), classes=3)
    with pytest.raises(TwinspikeError, match="leave events_per_clock or step_timer out"):
        make_plan(network, events_per_clock=(2, 1), step_timer=9)
    with pytest.raises(TwinspikeError, match=r"hardware\.step_timer = 4294967296: 0 \(none\) or|step_timer"):
        make_plan(network, step_timer=1 << 32)
    assert not any(name.startswith("timer") for name in core_members(make_plan(network)))
