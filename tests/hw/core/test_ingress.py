"""Ingress against a word-by-word reference, on well-formed and on hostile streams."""

import itertools
from functools import reduce
from operator import or_

import numpy as np
import pytest
from support.ingress import reference
from support.streams import event, pump

from twinspike.hw.core.ingress import ERRORS, Ingress
from twinspike.hw.parts.events import event_layout
from twinspike.numerics import ingress as meaning
from twinspike.numerics.events import TICK, frame_words
from twinspike.numerics.ingress import LAST
from twinspike.numerics.values import VALUE

RANGE, EARLY, MISSING = meaning.ADDRESS_RANGE, meaning.EARLY_LAST, meaning.MISSING_LAST


def through(words, inputs, timesteps, **options):
    """The same two from the hardware, and the passage itself."""
    dut, flags = Ingress(inputs, timesteps), []
    expected = len(reference(words, inputs, timesteps)[0])
    passed = pump(
        dut,
        [{"data": w & 0xFFFF, "last": w >> 16} for w in words],
        expected=expected,
        each=lambda ctx, clock: flags.append(ctx.get(dut.errors)),
        meaning=event(event_layout(inputs)["address"].width),
        **options,
    )
    return passed.outputs, flags, passed


def well_formed(rng, inputs, timesteps, frames):
    words = []
    for _ in range(frames):
        word, last = frame_words(rng.random((timesteps, inputs)) < 0.4)
        words += [int(w) | int(end) << 16 for w, end in zip(word, last, strict=True)]
    return words


@pytest.mark.parametrize(("inputs", "timesteps"), [(1, 1), (5, 1), (1, 4), (6, 5), (64, 3)])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_well_formed_frames_pass_unchanged_one_word_a_clock(inputs, timesteps, stall):
    rng = np.random.default_rng(inputs)
    words = well_formed(rng, inputs, timesteps, 4)
    events, flags, passed = through(words, inputs, timesteps, rng=rng, stall_in=stall, stall_out=stall)
    assert (events, set(flags)) == (reference(words, inputs, timesteps)[0], {0})
    assert [last for address, last in events if address is None] == [*[False] * (timesteps - 1), True] * 4
    if not stall:
        assert passed.taken == list(range(len(words)))
        assert passed.clocks == [clock + 1 for clock in passed.taken]


@pytest.mark.parametrize("seed", range(25))
def test_every_frame_of_a_hostile_stream_has_exactly_t_ticks(seed):
    rng = np.random.default_rng(seed)
    inputs, timesteps = int(rng.integers(1, 9)), int(rng.integers(1, 7))
    words = well_formed(rng, inputs, timesteps, 6)
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(len(words)))
        match rng.integers(4):
            case 0:
                words.insert(at, int(rng.integers(inputs, 0x8000)))
            case 1:
                words.insert(at, int(rng.integers(inputs, 0x8000)) | LAST)
            case _:
                words[at] ^= LAST
    events, flags, _ = through(words, inputs, timesteps, rng=rng, stall_in=0.3, stall_out=0.3)
    assert (events, flags[-1]) == reference(words, inputs, timesteps)
    ticks = [last for address, last in events if address is None]
    whole = len(ticks) // timesteps * timesteps
    assert ticks[:whole] == [*[False] * (timesteps - 1), True] * (whole // timesteps)
    # Sticky: no flag ever falls again.
    assert all(a & ~b == 0 for a, b in itertools.pairwise(flags))


T3 = [0, TICK, TICK, TICK | LAST]


@pytest.mark.parametrize(
    ("words", "flags", "ticks"),
    [
        pytest.param([4, *T3], RANGE, 3, id="first address beyond the inputs"),
        pytest.param([0x7FFF | LAST, *T3], RANGE | EARLY, 6, id="bad address that ends the frame"),
        pytest.param([1 | LAST, *T3], EARLY, 6, id="last on an address"),
        pytest.param([TICK | LAST, *T3], EARLY, 6, id="last on the first TICK"),
        pytest.param([TICK, TICK | LAST, *T3], EARLY, 6, id="last on the TICK before the final one"),
        pytest.param([TICK, TICK, 3 | LAST, *T3], EARLY, 6, id="last on an address of the final step"),
        pytest.param([TICK, TICK, TICK, *T3], MISSING, 6, id="no last"),
        pytest.param([TICK, TICK, TICK | 0x7FFF | LAST, *T3], 0, 6, id="low bits of a TICK mean nothing"),
    ],
)
def test_each_kind_of_damage_has_its_flag_and_spares_the_next_frame(words, flags, ticks):
    events, seen, _ = through(words, 4, 3)
    assert seen[-1] == flags
    assert sum(address is None for address, _ in events) == ticks
    assert events[-4:] == [(0, False), (None, False), (None, False), (None, True)]


@pytest.mark.parametrize("most", [15, 7, 3])
@pytest.mark.parametrize("seed", range(4))
def test_values_say_how_often_the_addresses_behind_them_count(seed, most):
    rng = np.random.default_rng(seed)
    inputs, timesteps = int(rng.integers(1, 9)), int(rng.integers(1, 6))
    words = well_formed(rng, inputs, timesteps, 5)
    for _ in range(25):
        at, last = int(rng.integers(len(words))), LAST * int(rng.random() < 0.1)
        words.insert(at, VALUE | int(rng.integers(1 << 14)) | last)
    expected, flags = meaning.counted_events(words, timesteps, inputs, values=True, most=most)
    layout = event_layout(inputs, most)

    def read(payload):
        fields = layout.from_bits(payload)
        return (None, bool(fields.last), 1) if fields.tick else (fields.address, False, fields.times)

    seen = []
    passed = pump(
        dut := Ingress(inputs, timesteps, most=most),
        [{"data": w & 0xFFFF, "last": w >> 16} for w in words],
        expected=len(expected),
        rng=rng,
        stall_in=0.3,
        stall_out=0.3,
        each=lambda ctx, clock: seen.append(ctx.get(dut.errors)),
        meaning=read,
    )
    assert (passed.outputs, seen[-1]) == (expected, reduce(or_, flags))


def test_clear_works_and_an_error_in_the_same_clock_wins():
    dut, seen = Ingress(4, 3), []

    def each(ctx, clock):
        ctx.set(dut.clear, clock in (3, 5))
        seen.append(ctx.get(dut.errors))

    words = [9, 0, 1, TICK, 9, TICK, TICK | LAST]
    sent = [{"data": w & 0xFFFF, "last": w >> 16} for w in words]
    pump(dut, sent, expected=5, each=each)
    # Clock 1 sets the flag, the clear of clock 3 takes it away, that of clock 5 meets the second error.
    assert seen[:7] == [0, 0, RANGE, RANGE, 0, 0, RANGE]
    assert seen[-1] == RANGE


def test_the_flags_are_in_the_documented_order():
    assert [name for name, _ in ERRORS] == ["address_range", "early_last", "missing_last", "duplicate"]
