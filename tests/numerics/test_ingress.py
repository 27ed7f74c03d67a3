"""What damaged streams mean: the reference that hardware is held against, by hand and by its properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinspike.numerics.events import TICK, frame_words
from twinspike.numerics.ingress import (
    ADDRESS_RANGE,
    DUPLICATE,
    EARLY_LAST,
    LAST,
    MISSING_LAST,
    sanitise,
    sound_events,
)
from twinspike.numerics.values import VALUE

END = TICK | LAST


@pytest.mark.parametrize(
    ("words", "counts", "flags"),
    [
        pytest.param([0, TICK, 1, END], [[[1, 0], [0, 1]]], [0], id="sound"),
        pytest.param([2, 0, TICK, 0x7FFF, END], [[[1, 0], [0, 0]]], [ADDRESS_RANGE], id="range"),
        pytest.param([0, 1, 0, 0, TICK, 0, END], [[[3, 1], [1, 0]]], [DUPLICATE], id="twice in a step"),
        pytest.param([1, 0 | LAST], [[[1, 1], [0, 0]]], [EARLY_LAST], id="last on an address"),
        pytest.param([TICK, 1 | LAST], [[[0, 0], [0, 1]]], [EARLY_LAST], id="in the final step"),
        pytest.param([END], [[[0, 0], [0, 0]]], [EARLY_LAST], id="last on the first TICK"),
        pytest.param([9 | LAST], [[[0, 0], [0, 0]]], [ADDRESS_RANGE | EARLY_LAST], id="a bad address's last"),
        pytest.param([TICK, TICK, 0, TICK, END], [[[0, 0]] * 2, [[1, 0], [0, 0]]], [4, 0], id="no last"),
        pytest.param([TICK] * 5, [[[0, 0]] * 2] * 2, [MISSING_LAST] * 2, id="a flood of TICKs"),
        pytest.param([], np.zeros((0, 2, 2)).tolist(), [], id="nothing"),
    ],
)
def test_each_mishap(words, counts, flags):
    meant, seen = sanitise(words, 2, 2)
    assert (meant.transpose(1, 0, 2).tolist(), seen.tolist()) == (counts, flags)


@pytest.mark.parametrize(
    ("words", "counts", "flags"),
    [
        pytest.param([0, VALUE | 3, 1, TICK, 0, END], [[[1, 3], [1, 0]]], [0], id="once again after a TICK"),
        pytest.param([VALUE | 0x3F2, 0, VALUE, 1, TICK, END], [[[2, 0], [0, 0]]], [0], id="four bits"),
        pytest.param([VALUE | 15, 0, 0, TICK, END], [[[30, 0], [0, 0]]], [DUPLICATE], id="twice in a step"),
        pytest.param([VALUE | 5 | LAST, 0, TICK, END], [[[0, 0]] * 2, [[1, 0], [0, 0]]], [2, 0], id="last"),
    ],
)
def test_values_count_until_the_next_tick(words, counts, flags):
    meant, seen = sanitise(words, 2, 2, values=True)
    assert (meant.transpose(1, 0, 2).tolist(), seen.tolist()) == (counts, flags)


words = st.lists(st.one_of(st.integers(0, 6), st.just(TICK), st.just(END), st.integers(0, 2 * LAST - 1)))


@given(words, st.integers(1, 5), st.integers(1, 5))
def test_whatever_comes_frames_have_t_steps_and_the_next_one_is_right(stream, timesteps, inputs):
    closed = [*stream, LAST]
    events, flags = sound_events(closed, timesteps, inputs)
    ends = [last for address, last in events if address is None]
    assert ends == ([False] * (timesteps - 1) + [True]) * (len(ends) // timesteps)
    assert all(address < inputs for address, _ in events if address is not None)
    assert len(flags) == len(ends) // timesteps + 1
    spikes = np.random.default_rng(len(stream)).random((timesteps, inputs)) < 0.5
    sound, last = frame_words(spikes)
    whole, after = sanitise([*closed, *(sound | last * LAST).tolist()], timesteps, inputs)
    assert np.array_equal(whole[:, -1], spikes) and after[-1] == 0
