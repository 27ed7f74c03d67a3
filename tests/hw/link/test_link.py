"""Requests of the link against a core: each executed once, whatever the line does to it."""

import dataclasses
import struct

import numpy as np
import pytest
from support.links import ByteLink, Line
from support.networks import random_network
from support.streams import bench, pump

from twinspike.hw.bus.registers import IDENTIFICATION, REGISTERS
from twinspike.hw.link.link import Link
from twinspike.hw.link.plan import link_plan
from twinspike.hw.link.spikes import SpikePacker
from twinspike.hw.link.uart import Rate, UartLine
from twinspike.hw.plan import make_plan
from twinspike.numerics.events import frame_words
from twinspike.numerics.link import (
    ANSWER,
    HOLD,
    MORE,
    REFUSED,
    SPIKES,
    VERSION,
    Op,
    Reason,
    frame,
    pack_events,
    spike_bytes,
    unpack_spikes,
)
from twinspike.sim.golden import run

T = 3
AT = {register.name: register.offset // 4 for register in REGISTERS}
RECORD = struct.Struct("<IIIIHHII")  # FRAMES .. RUNNER_UP


@pytest.fixture(scope="module")
def plan():
    return make_plan(random_network(6, timesteps=T, shape=(5,), widths=(6, 11), classes=3), (2, 3))


def frames_of(plan, seed, count):
    """(Packed events, output spikes, (label, distance, runner-up)) of each frame."""
    spikes = np.random.default_rng(seed).random((T, count, plan.network.inputs)) < 0.5
    packed = [pack_events(frame_words(spikes[:, b])[0]) for b in range(count)]
    trace = run(plan.network, spikes)
    r = trace.results
    wanted = zip(r.label.tolist(), r.distance.tolist(), r.runner_up.tolist(), strict=True)
    return list(zip(packed, trace.spikes[-1].transpose(1, 0, 2), wanted, strict=True))


def record(payload):
    """(frames, (label, distance, runner-up)) of an answer's record."""
    frames, _, _, _, label, _, distance, runner_up = RECORD.unpack(payload[-RECORD.size :])
    return frames, (label, distance, runner_up)


def ask(sequence, kind, payload=b""):
    return frame(sequence % 256, kind, payload)


def opening(sequence=0, nonce=b"abcd"):
    return ask(sequence, Op.OPEN, nonce)


def reading(sequence, name, words=1, flags=0):
    return ask(sequence, Op.READ | flags, struct.pack("<HB", AT[name], words))


def writing(sequence, name, *values, flags=0):
    return ask(sequence, Op.WRITE | flags, struct.pack(f"<H{len(values)}I", AT[name], *values))


def test_open_read_write(plan):
    line = Line(dut := ByteLink(plan, buffer_bytes=256))

    async def story(line):
        await line.send(opening(250))
        opened = dut.link.opened
        assert (opened.version, opened.buffer_log2) == (VERSION, 8)
        assert await line.answer() == (250, ANSWER | Op.OPEN, b"abcd" + opened.pack())
        await line.send(reading(251, "ID") + writing(252, "THRESHOLD", 0x12345678))
        assert await line.answer() == (251, ANSWER | Op.READ, IDENTIFICATION.to_bytes(4, "little"))
        assert await line.answer() == (252, ANSWER | Op.WRITE, b"")
        await line.send(reading(253, "INTERRUPT", 2) + writing(254, "THRESHOLD", 5, 6, flags=HOLD))
        assert (await line.answer())[2] == struct.pack("<2I", 0, 0x12345678)
        await line.answer()
        await line.send(reading(255, "THRESHOLD", 3, flags=HOLD) + reading(0, "ID", 0))
        assert await line.answer() == (255, ANSWER | Op.READ | HOLD, struct.pack("<3I", 6, 6, 6))
        assert await line.answer() == (0, ANSWER | Op.READ, b"")
        # The longest burst.
        most = opened.answer_words
        await line.send(reading(1, "ID", most) + reading(2, "ID", most + 1))
        assert len((await line.answer())[2]) == 4 * most
        assert await line.answer() == (2, REFUSED | Reason.LENGTH, b"")

    line.run(story)


def test_frames_whole_and_in_parts(plan):
    frames = frames_of(plan, 1, 2)

    async def story(line):
        await line.send(opening())
        await line.answer()
        sequence, given = 1, 0
        for packed, spikes, wanted in frames:
            await line.send(ask(sequence, Op.EVENTS, packed) + ask(sequence + 1, Op.EVENTS | SPIKES, packed))
            answers = [await line.answer(), await line.answer()]
            assert [a[:2] for a in answers] == [
                (sequence, ANSWER | Op.EVENTS),
                (sequence + 1, ANSWER | Op.EVENTS | SPIKES),
            ]
            assert [record(a[2]) for a in answers] == [(given + 1, wanted), (given + 2, wanted)]
            n = spike_bytes(T, plan.network.outputs)
            assert len(answers[0][2]) == RECORD.size and len(answers[1][2]) == n + RECORD.size
            assert (unpack_spikes(answers[1][2][:n], T, plan.network.outputs) == spikes).all()
            await line.send(ask(sequence + 2, Op.EVENTS | MORE, packed[:2]))
            assert await line.answer() == (sequence + 2, ANSWER | Op.EVENTS | MORE, b"")
            # A register may be read between the parts.
            await line.send(reading(sequence + 3, "STATUS") + ask(sequence + 4, Op.EVENTS, packed[2:]))
            assert (await line.answer())[2][0] & 2
            assert record((await line.answer())[2]) == (given + 3, wanted)
            sequence, given = sequence + 5, given + 3

    Line(ByteLink(plan, buffer_bytes=256)).run(story)


def test_each_request_once(plan):
    (packed, _, wanted), (other, _, expected) = frames_of(plan, 2, 2)

    async def story(line):
        await line.send(ask(0, Op.EVENTS, packed))  # before OPEN, unless its number happens to fit
        await line.answer()
        await line.send(opening(7))
        await line.answer()
        await line.send(reading(8, "FRAMES"))
        base = int.from_bytes((await line.answer())[2], "little")
        request = ask(9, Op.EVENTS, packed)
        await line.send(request * 3)
        same = [await line.answer() for _ in range(3)]
        assert same[0] == same[1] == same[2] and record(same[0][2]) == (base + 1, wanted)
        # A gap: one refusal that names the number expected, then silence until it comes.
        await line.send(ask(11, Op.EVENTS, other) + ask(12, Op.EVENTS, other))
        assert await line.answer() == (10, REFUSED | Reason.SEQUENCE, b"")
        await line.silence()
        await line.send(ask(10, Op.EVENTS, other) + ask(12, Op.EVENTS, other))
        assert record((await line.answer())[2]) == (base + 2, expected)
        assert await line.answer() == (11, REFUSED | Reason.SEQUENCE, b"")
        # An older answer is still there.
        await line.send(request)
        assert await line.answer() == same[0]
        await line.send(reading(11, "FRAMES"))
        assert int.from_bytes((await line.answer())[2], "little") == base + 2
        # Not those of another sequence.
        await line.send(opening(100))
        await line.answer()
        await line.send(ask(99, Op.EVENTS, packed))
        assert await line.answer() == (101, REFUSED | Reason.SEQUENCE, b"")
        await line.send(opening(100))
        assert (await line.answer())[:2] == (100, ANSWER | Op.OPEN)

    Line(ByteLink(plan, buffer_bytes=256)).run(story)


def test_what_is_wrong_is_refused_and_harmless(plan):
    packed, _, wanted = frames_of(plan, 3, 1)[0]
    wrong = [
        (7, b"xyz", Reason.UNKNOWN),
        (Op.PIXELS, b"x", Reason.UNKNOWN),
        (Op.OPEN, b"abc", Reason.LENGTH),
        (Op.READ, b"\0\0", Reason.LENGTH),
        (Op.WRITE, b"\0\0abc", Reason.LENGTH),
        (Op.WRITE, b"", Reason.LENGTH),
        (Op.EVENTS, b"", Reason.LENGTH),
        (Op.EVENTS | SPIKES | MORE, packed, Reason.LENGTH),
    ]

    async def story(line):
        await line.send(opening())
        await line.answer()
        for at, (kind, payload, reason) in enumerate(wrong, 1):
            await line.send(ask(at, kind, payload))
            assert await line.answer() == (at, REFUSED | reason, b"")
        await line.send(ask(len(wrong) + 1, Op.EVENTS, packed))
        assert record((await line.answer())[2]) == (1, wanted)

    Line(ByteLink(plan, buffer_bytes=256)).run(story)


def test_a_host_that_dies_in_a_frame_leaves_nothing_behind(plan):
    (packed, _, wanted), (other, _, expected) = frames_of(plan, 4, 2)

    async def story(line):
        await line.send(opening(3))
        await line.answer()
        await line.send(ask(4, Op.EVENTS | MORE, packed[:2]))  # the frame is in the core
        await line.answer()
        await line.send(ask(5, Op.EVENTS, packed[2:])[:-3])  # and the next request half on the line
        await line.send(opening(200, b"next"))
        assert (await line.answer())[2][:4] == b"next"
        await line.send(reading(201, "FRAMES"))
        base = int.from_bytes((await line.answer())[2], "little")
        await line.send(ask(202, Op.EVENTS, other) + ask(203, Op.EVENTS, packed))
        assert record((await line.answer())[2]) == (base + 1, expected)
        assert record((await line.answer())[2]) == (base + 2, wanted)

    Line(ByteLink(plan, buffer_bytes=256)).run(story)


def test_a_core_that_stands_still_is_given_up_and_reset(plan):
    packed, _, wanted = frames_of(plan, 5, 1)[0]
    dut = ByteLink(plan, buffer_bytes=256)
    dut.link = dataclasses.replace(dut.link, patience_bits=9)

    async def story(line):
        await line.send(opening())
        await line.answer()
        # An address, then nothing that ends the frame: no result will come.
        await line.send(ask(1, Op.EVENTS, b"\xfe"))
        assert await line.answer(1 << dut.link.patience_bits + 2) == (1, REFUSED | Reason.TIMEOUT, b"")
        await line.send(ask(2, Op.EVENTS, packed))
        assert await line.answer() == (2, REFUSED | Reason.TIMEOUT, b"")
        await line.send(opening(9))
        await line.answer()
        await line.send(ask(10, Op.EVENTS, packed))
        assert record((await line.answer())[2]) == (1, wanted)

    Line(dut).run(story)


def test_spikes_are_packed():
    rng = np.random.default_rng(0)
    for neurons in (1, 8, 13):
        spikes = rng.random((4, neurons)) < 0.4
        words, last = frame_words(spikes)
        dut = SpikePacker(neurons)
        payloads = [{"data": int(w), "last": int(e)} for w, e in zip(words, last, strict=True)]
        wanted = np.packbits(spikes, axis=1, bitorder="little").ravel().tolist()
        each = lambda ctx, _: ctx.set(dut.enable, 1)  # noqa: B023, E731
        assert pump(dut, payloads, expected=len(wanted), each=each, rng=rng, stall_out=0.3).outputs == wanted


def test_the_whole_link_over_two_pins():
    """Bits in, bits out, at the fewest clocks per bit: what was sent comes back."""
    dut = Link(link_plan(make_plan(random_network())), UartLine(Rate(12e6, 3_000_000)))
    got = []

    async def testbench(ctx):
        data = opening(1, b"\x7e\x7d\x00\xff")
        for byte in data:
            for bit in (0, *(byte >> k & 1 for k in range(8)), 1):
                ctx.set(dut.rx, bit)
                await ctx.tick().repeat(4)
        await ctx.tick().repeat(4 * 10 * 40)

    async def listen(ctx):
        while True:
            while ctx.get(dut.tx):
                await ctx.tick()
            await ctx.tick().repeat(2)
            byte = 0
            for k in range(9):
                await ctx.tick().repeat(4)
                byte |= ctx.get(dut.tx) << k
            got.append(byte & 0xFF)
            assert byte >> 8, "a stop bit"

    bench(dut, testbench, listen)
    opened = link_plan(make_plan(random_network())).opened
    assert bytes(got) == frame(1, ANSWER | Op.OPEN, b"\x7e\x7d\x00\xff" + opened.pack())
