import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twinspike.numerics.encodings import Graded
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import TICK, frame_words
from twinspike.numerics.values import VALUE, value_spikes, value_words

FRAMES = st.tuples(st.integers(1, 4), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 15))
)


@given(FRAMES)
def test_words_and_multiplicities_are_each_others_inverse(spikes):
    words, last = value_words(spikes)
    assert words.dtype == np.uint16 and last.tolist() == [False] * (len(words) - 1) + [True]
    assert np.array_equal(value_spikes(words, *spikes.shape), spikes)


@given(FRAMES)
def test_plain_spikes_need_no_values(spikes):
    plain = spikes % 2
    assert np.array_equal(value_words(plain)[0], frame_words(plain.astype(bool))[0])


def test_a_tick_ends_a_value():
    words, _ = value_words(np.array([[3, 1, 3], [0, 1, 0]]))
    assert words.tolist() == [1, VALUE | 3, 0, 2, TICK, 1, TICK]


def test_graded_keeps_the_highest_bits_in_step_zero():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 256)
    for bits in range(1, 5):
        spikes = Graded(bits).encode(pixels, 3)
        assert spikes.dtype == np.uint8 and not spikes[1:].any()
        assert spikes[0, 0].tolist() == [x // 2 ** (8 - bits) for x in range(256)]
        words, _ = Graded(bits).events(pixels[0], 3)
        assert np.array_equal(value_spikes(words, 3, 256), spikes[:, 0])


@pytest.mark.parametrize(
    "do, message",
    [
        (
            lambda: value_words(np.full((1, 2), 16)),
            "spikes of an input in a step = 16 is not allowed: expected",
        ),
        (
            lambda: value_spikes(np.array([VALUE, 0, TICK]), 1, 2),
            "a VALUE word says that inputs spike 0 times",
        ),
        (lambda: value_spikes(np.array([VALUE | 2, 2, TICK]), 1, 2), "event address = 2 is not allowed"),
    ],
)
def test_what_no_stream_has_is_refused(do, message):
    with pytest.raises(TwinspikeError) as caught:
        do()
    assert str(caught.value).startswith(message)
