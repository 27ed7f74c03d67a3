"""The check for duplicate addresses against a set that is emptied at each TICK."""

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from support.streams import bench

from twinspike.hw.core.duplicates import DuplicateCheck


def found(inputs, words, resets=()):
    """Places in `words` (address, or None for a TICK) at which a duplicate was reported."""
    check, reset = DuplicateCheck(inputs), Signal()
    places = []

    async def testbench(ctx):
        for place, word in enumerate(words):
            if place in resets:
                ctx.set(reset, 1)
                await ctx.tick().repeat(resets[place])
                ctx.set(reset, 0)
                await ctx.tick()
            ctx.set(check.taken, 1)
            ctx.set(check.tick, word is None)
            ctx.set(check.address, word or 0)
            await ctx.tick()
            ctx.set(check.taken, 0)
            assert not ctx.get(check.found)
            await ctx.tick()
            if ctx.get(check.found):
                places.append(place)

    bench(ResetInserter(reset)(check), testbench)
    return places


def expected(words, resets=()):
    seen, places = set(), []
    for place, word in enumerate(words):
        if word is None or place in resets:
            seen = set()
        if word is not None:
            places += [place] if word in seen else []
            seen.add(word)
    return places


@pytest.mark.parametrize("inputs", [1, 5, 8, 9, 64, 100])
def test_every_duplicate_is_found_and_nothing_else(inputs):
    rng = np.random.default_rng(inputs)
    words = [None if rng.random() < 0.15 else int(rng.integers(inputs)) for _ in range(1500)]
    assert found(inputs, words) == expected(words)
    assert found(inputs, words)


@pytest.mark.parametrize("inputs", [5, 40])
def test_tags_that_wrap_around_find_nothing_old(inputs):
    # The same address once per step, and others left alone for any number of steps.
    words = [word for step in range(150) for word in (step * 7 % inputs, step % 3, None)]
    words = [w for i, w in enumerate(words) if w is None or w not in words[i - i % 3 : i]]
    assert found(inputs, words) == []


def test_a_reset_of_any_length_forgets_the_step():
    rng = np.random.default_rng(1)
    for clocks in range(1, 12):
        words = [3, 3, None] + [int(rng.integers(20)) for _ in range(8)] * 2
        resets = {1: clocks, 11: clocks}
        assert found(20, words, resets) == expected(words, resets)
