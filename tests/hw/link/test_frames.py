"""The link's frames: hardware against numerics/link.py, and every kind of damage between sound ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.streams import bench, pump

from twinspike.hw.link.crc import ALGORITHM
from twinspike.hw.link.events import EventUnpacker
from twinspike.hw.link.receiver import LinkReceiver
from twinspike.hw.link.sender import LinkSender
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.link import (
    ENTRY_BYTES,
    ESCAPE,
    FLAG,
    Deframer,
    frame,
    pack_events,
    unpack_events,
    unpack_spikes,
)
from twinspike.numerics.values import VALUE

payloads = st.lists(
    st.one_of(st.binary(max_size=20), st.lists(st.sampled_from([FLAG, ESCAPE, 0x5E, 0x5D])).map(bytes)),
    min_size=1,
    max_size=6,
)


def damage(rng, line, times):
    """Flip bits, drop and duplicate bytes, insert noise."""
    line = bytearray(line)
    for _ in range(times):
        at = int(rng.integers(len(line)))
        match int(rng.integers(4)):
            case 0:
                line[at] ^= 1 << int(rng.integers(8))
            case 1:
                del line[at]
            case 2:
                line.insert(at, line[at])
            case 3:
                line[at:at] = rng.integers(0, 256, int(rng.integers(1, 5))).astype(np.uint8).tobytes()
    return bytes(line)


def receive(line, *, depth=256, ready=True, broken=()):
    """Entries that LinkReceiver gives for bytes of a line: (sequence, kind, payload) each."""
    dut = LinkReceiver(depth)
    got = bytearray()

    async def source(ctx):
        for at, byte in enumerate(line):
            ctx.set(dut.data, byte)
            ctx.set(dut.valid, at not in broken)
            ctx.set(dut.broken, at in broken)
            await ctx.tick()
            ctx.set(dut.valid, 0)
            ctx.set(dut.broken, 0)
            await ctx.tick().repeat(10)
        ctx.set(dut.o.ready, 1)
        await ctx.tick().repeat(depth + 20)

    async def sink(ctx):
        ctx.set(dut.o.ready, ready)
        async for _, _, valid, take, byte in ctx.tick().sample(dut.o.valid, dut.o.ready, dut.o.payload):
            if valid and take:
                got.append(byte)

    bench(dut, source, sink)
    entries, at = [], 0
    while at < len(got):
        length = got[at] | got[at + 1] << 8
        end = at + ENTRY_BYTES + length
        assert end <= len(got)
        entries.append((got[at + 2], got[at + 3], bytes(got[at + 4 : end])))
        at = end
    return entries


def test_one_crc_everywhere():
    assert ALGORITHM(data_width=8).compute(b"siamese") == int.from_bytes(
        frame(*b"si", b"amese")[-5:-1], "little"
    )


@given(payloads)
@settings(max_examples=12, deadline=None)
def test_the_sender_sends_what_the_protocol_says(bodies):
    words = [
        {"data": b, "last": i == len(body) + 1} for body in bodies for i, b in enumerate(b"\x07\x81" + body)
    ]
    line = b"".join(frame(7, 0x81, body) for body in bodies)
    assert bytes(pump(LinkSender(), words, expected=len(line)).outputs) == line
    assert [f[2] for f in Deframer().feed(line)] == bodies


@given(payloads)
@settings(max_examples=12, deadline=None)
def test_the_receiver_gives_what_was_sent(bodies):
    line = b"".join(frame(at, 3, body) for at, body in enumerate(bodies))
    assert receive(line) == [(at, 3, body) for at, body in enumerate(bodies)]


@pytest.mark.parametrize("seed", range(4))
def test_damage_never_passes_and_sound_frames_do(seed):
    rng = np.random.default_rng(seed)
    sound = [rng.integers(0, 256, int(rng.integers(0, 12))).astype(np.uint8).tobytes() for _ in range(20)]
    line, hurt = b"", []
    for at, body in enumerate(sound):
        whole = frame(at, 5, body)
        hurt.append(rng.random() < 0.4)
        # A FLAG after the damage: the next frame then stands by itself.
        line += damage(rng, whole, 2) + bytes((FLAG,)) if hurt[-1] else whole
    entries = receive(line, depth=1024)
    assert set(entries) <= {(at, 5, body) for at, body in enumerate(sound)}
    assert [e for e in entries if not hurt[e[0]]] == [(a, 5, b) for a, b in enumerate(sound) if not hurt[a]]
    assert list(Deframer().feed(line)) == entries


def test_half_frames_aborts_and_a_line_out_of_step():
    whole = frame(1, 2, b"payload")
    assert receive(whole[:6] + whole) == [(1, 2, b"payload")]
    assert receive(whole[:-1] + bytes((ESCAPE, FLAG)) + whole) == [(1, 2, b"payload")]
    assert receive(whole + whole, broken={4}) == [(1, 2, b"payload")]
    assert receive(bytes((FLAG,)) * 5 + b"\x7e\x01\x7e" + frame(9, 9)) == [(9, 9, b"")]


def test_what_does_not_fit_the_buffer_vanishes_whole():
    # 64 bytes: an entry may take 63, its CRC included while it arrives.
    fits, beyond = bytes(range(64 - 1 - ENTRY_BYTES - 4)), bytes(range(64 - ENTRY_BYTES - 4))
    assert receive(frame(0, 1, fits), depth=64) == [(0, 1, fits)]
    assert receive(frame(0, 1, beyond) + frame(1, 1, b"next"), depth=64) == [(1, 1, b"next")]
    many = [frame(at, 1, bytes(12)) for at in range(5)]
    assert [e[0] for e in receive(b"".join(many), depth=64, ready=False)] == [0, 1, 2]


@given(st.lists(st.tuples(st.sets(st.integers(0, 0x7FFF), max_size=6)), min_size=1, max_size=5))
def test_events_pack_and_unpack(steps):
    words = np.array([w for (s,) in steps for w in [*sorted(s), 0x8000]], np.uint16)
    assert unpack_events(pack_events(words)).tolist() == words.tolist()


STEPS = st.lists(
    st.lists(st.tuples(st.integers(1, 15), st.sets(st.integers(0, 0x7FFF), max_size=5)), max_size=3),
    min_size=1,
    max_size=4,
)


def valued(steps):
    """The words of steps, each a list of (m, addresses)."""
    return [w for step in steps for w in [*(x for m, s in step for x in [VALUE | m, *sorted(s)]), 0x8000]]


@given(STEPS)
def test_values_pack_and_unpack(steps):
    packed = pack_events(np.array(valued(steps), np.uint16), values=True)
    assert unpack_events(packed, values=True).tolist() == valued(steps)


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_unpacker_reads_what_is_packed(values, seed):
    rng = np.random.default_rng(seed)
    packed = bytes(rng.choice([0, 3, 0xFC, 0xFD, 0xFE, 0xFF, 0x1F], 120).tolist()) + b"\xff"
    wanted = unpack_events(packed, values=values).tolist()
    passed = pump(
        EventUnpacker(values=values),
        [{"data": byte, "last": 0} for byte in packed],
        expected=len(wanted),
        rng=rng,
        stall_in=0.2,
        stall_out=0.3,
        meaning=lambda payload: payload & 0xFFFF,
    )
    assert passed.outputs == wanted


def test_packing_refuses_descending_addresses_and_spikes_unpack():
    with pytest.raises(TwinspikeError, match=r"event address 3 follows 5: addresses ascend inside a step"):
        pack_events(np.array([5, 3], np.uint16))
    assert len(pack_events(np.array([0, 252, 253, 0x8000], np.uint16))) == 4
    spikes = np.random.default_rng(0).random((3, 11)) < 0.5
    packed = np.packbits(spikes, axis=1, bitorder="little").tobytes()
    assert (unpack_spikes(packed, 3, 11) == spikes).all()
