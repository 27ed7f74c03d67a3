import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import MAX_ADDRESS, TICK, frame_spikes, frame_words


@settings(max_examples=200, deadline=None)
@given(arrays.arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 20))))
def test_words_round_trip_in_time_order(spikes):
    words, last = frame_words(spikes)
    assert words.dtype == np.uint16 and len(words) == len(last) == spikes.sum() + len(spikes)
    assert np.array_equal(frame_spikes(words, *spikes.shape), spikes)
    assert last.nonzero()[0].tolist() == [len(words) - 1] and words[-1] == TICK
    for step in np.split(words, np.flatnonzero(words == TICK)):
        addresses = step[step != TICK].astype(int)
        assert (np.diff(addresses) > 0).all()


def test_a_frame_by_hand():
    spikes = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]], dtype=bool)
    words, last = frame_words(spikes)
    assert words.tolist() == [1, 2, 0x8000, 0x8000, 0, 0x8000]
    assert last.tolist() == [False] * 5 + [True]


def test_the_highest_address_fits_and_one_more_is_refused():
    spikes = np.zeros((2, MAX_ADDRESS + 1), dtype=bool)
    spikes[1, MAX_ADDRESS] = True
    assert frame_words(spikes)[0].tolist() == [0x8000, 0x7FFF, 0x8000]
    with pytest.raises(TwinspikeError) as caught:
        frame_words(np.zeros((1, MAX_ADDRESS + 2), dtype=bool))
    assert str(caught.value) == "addresses of a frame = 32769 is not allowed: expected at most 32768"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([TICK], "a frame of 2 steps ends with its TICK 2, found 1"),
        ([TICK, TICK, TICK], "a frame of 2 steps ends with its TICK 2, found 3"),
        ([TICK, TICK, 1], "a frame of 2 steps ends with its TICK 2, found 2"),
        ([], "a frame of 2 steps ends with its TICK 2, found 0"),
        ([3, TICK, TICK], "event address = 3 is not allowed: expected an integer in 0..2"),
        ([1, 1, TICK, TICK], "an address occurs twice in one step of the frame"),
    ],
)
def test_unsound_frames_are_refused(words, text):
    with pytest.raises(TwinspikeError) as caught:
        frame_spikes(np.array(words, dtype=np.uint16), 2, 3)
    assert str(caught.value).startswith(text)
