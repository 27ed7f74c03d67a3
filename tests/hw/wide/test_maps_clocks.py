"""What the parts of a wide convolution say of their latency and throughput."""

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from support.conv_cores import conv_layer
from support.streams import bench, event, pump

from twinspike.hw.plan.codes import Codes
from twinspike.hw.plan.wide_conv import WideConvPlan
from twinspike.hw.wide.conv import WideConv
from twinspike.hw.wide.places import PlaceTable
from twinspike.hw.wide.rows import RowEncoder, RowQueue


def _plan(shape=(5, 7, 2), channels=3, kernel=(3, 3), **keys):
    layer = conv_layer(np.random.default_rng(2), shape, channels, kernel, keys=keys, weight_bits=3)
    return WideConvPlan.of(layer, Codes.plain(*shape), "layers.0")


@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
def test_a_step_takes_a_clock_an_event_and_r_plus_3_for_its_tick(stride):
    plan = _plan(stride=stride)
    rows = len(plan.sweep)
    dut, taken, spikes = WideConv(plan), [], []
    events = [(0, 0), (3, 0), (3, 0), None, None, (4, 1), None]

    async def testbench(ctx):
        queue = list(events)
        ctx.set(dut.room, 1)
        for clock in range(12 + 5 * (rows + 10)):
            if queue:
                place = queue[0] or (0, 0)
                ctx.set(dut.i.payload, {"y": place[0], "x": place[1], "tick": queue[0] is None})
            ctx.set(dut.i.valid, bool(queue))
            if ctx.get(dut.spikes_valid):
                spikes.append(clock)
            if queue and ctx.get(dut.i.ready):
                queue.pop(0)
                taken.append(clock)
            await ctx.tick()

    bench(dut, testbench)
    first = rows + 2
    expected, ticks, clock = [], [], first
    for place in events:
        expected.append(clock)
        if place is None:
            ticks.append(clock)
        clock += 1 if place else rows + 3
    assert taken == expected
    assert spikes == [tick + row + 6 for tick in ticks for row in range(rows)]


class Clocked(Elaboratable):
    """A component with a clock beside it, since one without registers cannot be driven by one."""

    def __init__(self, dut):
        self.dut, self.i, self.o = dut, dut.i, dut.o

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        m.d.sync += Signal(name="clocked").eq(1)
        return m


@pytest.mark.parametrize(("shape", "latency"), [((5, 7, 3), 2), ((5, 8, 4), 0)])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_the_table_gives_every_place_at_an_event_per_clock(shape, latency, stall):
    codes = Codes.plain(*shape)
    count = shape[0] * shape[1] * shape[2]
    dut = Clocked(PlaceTable(codes, count))
    inputs = [{"address": a, "tick": 0, "last": 0} for a in range(count)]
    inputs.append({"address": 0, "tick": 1, "last": 1})
    places = np.flatnonzero(codes.sent >= 0)[np.argsort(codes.sent[codes.sent >= 0])].tolist()
    passed = pump(
        dut,
        inputs,
        expected=len(inputs),
        rng=np.random.default_rng(1),
        stall_in=stall,
        stall_out=stall,
        meaning=event(codes.bits),
    )
    assert passed.outputs == [*((place, False) for place in places), (None, True)]
    if not stall:
        first = passed.taken[0]
        assert passed.taken == list(range(first, first + len(inputs)))
        assert passed.clocks == [clock + latency for clock in passed.taken]


def _rows(plan, rng, steps):
    """Rows of random spikes, as RowQueue hands them over, and the events they mean."""
    rows, events = [], []
    codes = plan.leaving
    address = {neuron: place for place, neuron in enumerate(codes.sent.tolist()) if neuron >= 0}
    for step in range(steps):
        chance = (0.1, 0.9)[step % 2]
        spikes = (plan.places[plan.sweep] >= 0) & (rng.random((len(plan.sweep), plan.lanes)) < chance)
        if step == 2:
            spikes[:] = False
        for index, (word, lanes) in enumerate(zip(plan.sweep, spikes, strict=True)):
            end = index == len(plan.sweep) - 1
            some = lanes.reshape(plan.banks, -1).any(axis=1)
            if lanes.any() or end:
                bits, banks = (sum(1 << int(j) for j in np.flatnonzero(x)) for x in (lanes, some))
                row = {"mask": bits, "word": word, "end": end, "last": step == steps - 1}
                rows.append({"row": row, "some": banks})
                events += [(address[n], False) for n in plan.places[word][lanes].tolist()]
        events.append((None, step == steps - 1))
    return rows, events


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_the_encoder_gives_every_place_once_and_a_tick_behind_each_step(stall, channels):
    rng = np.random.default_rng(channels)
    plan = _plan(channels=channels, stride=(2, 1))
    rows, events = _rows(plan, rng, 5)
    passed = pump(
        RowEncoder(plan),
        rows,
        expected=len(events),
        rng=rng,
        stall_in=stall,
        stall_out=stall,
        meaning=event(plan.leaving.bits),
    )
    assert passed.outputs == events
    if not stall:
        # 2 clocks to the first event, then one each clock to the last.
        first = passed.taken[0] + 2
        assert passed.clocks == list(range(first, first + len(events)))


def test_the_queue_drops_empty_rows_and_asks_for_no_more_than_16():
    plan = _plan()
    dut = RowQueue(plan)
    written, read, begun = [], [], []
    masks = [(n % 3) * 5 for n in range(60)]

    async def testbench(ctx):
        for clock in range(400):
            ctx.set(dut.o.ready, clock > 60)
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                read.append((clock, ctx.get(dut.o.payload.row.mask), ctx.get(dut.o.payload.some)))
            go = bool(ctx.get(dut.room)) and len(begun) < len(masks)
            ctx.set(dut.begin, go)
            if go:
                begun.append(clock)
            late = clock - 5
            ctx.set(dut.spikes_valid, late in begun)
            if late in begun:
                index = begun.index(late)
                ctx.set(dut.spikes, {"mask": masks[index], "word": 0, "end": index == 3, "last": 0})
                written.append(clock)
            await ctx.tick()

    bench(dut, testbench)
    kept = [mask for index, mask in enumerate(masks) if mask or index == 3]
    assert [mask for _, mask, _ in read] == kept
    assert [some for _, _, some in read] == [
        sum(1 << b for b in range(plan.banks) if mask >> 3 * b & 7) for mask in kept
    ]
    before = [clock for clock in begun if clock <= 60]
    assert sum(bool(masks[i]) or i == 3 for i in range(len(before))) == 16
    assert len(begun) == len(masks) and begun != list(range(len(masks)))


def test_a_row_is_offered_two_clocks_after_its_spikes():
    plan = _plan()
    dut, offered = RowQueue(plan), []

    async def testbench(ctx):
        for clock in range(12):
            ctx.set(dut.begin, clock == 0)
            ctx.set(dut.spikes_valid, clock == 5)
            ctx.set(dut.spikes, {"mask": 4, "word": 0, "end": 0, "last": 0})
            if ctx.get(dut.o.valid):
                offered.append(clock)
            await ctx.tick()

    bench(dut, testbench)
    assert offered[0] == 5 + 2
