import numpy as np
import pytest

from twinspike.numerics.encodings import Events, Spikes, encoding_from_table
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.recordings import EventRecording


def recording(events):
    t, x, y, on = (np.array(column) for column in zip(*events, strict=True))
    return EventRecording(t, x, y, on.astype(bool), 8, 6)


EVENTS = [
    (1000, 0, 0, 1),
    (1000, 0, 0, 1),  # the same address and step again
    (1009, 7, 5, 0),
    (1010, 3, 2, 1),
    (1031, 1, 1, 1),  # behind the last step
]


def test_events_become_spikes_of_their_step_place_and_polarity():
    encoding = Events(step=10, height=6, width=8)
    frame = encoding.frame(recording(EVENTS), 3)
    assert frame.shape == (3, 6, 8, 2) and frame.dtype == np.uint8
    assert {tuple(i) for i in np.argwhere(frame)} == {(0, 0, 0, 1), (0, 5, 7, 0), (1, 2, 3, 1)}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"polarity": "merged"}, {(0, 0, 0, 0), (0, 5, 7, 0), (1, 2, 3, 0)}),
        ({"polarity": "on"}, {(0, 0, 0, 0), (1, 2, 3, 0)}),
        ({"downsample": 2}, {(0, 0, 0, 1), (0, 2, 3, 0), (1, 1, 1, 1)}),
        ({"top": 2, "left": 3, "height": 4, "width": 5}, {(0, 3, 4, 0), (1, 0, 0, 1)}),
        ({"skip": 10}, {(0, 2, 3, 1), (2, 1, 1, 1)}),
        ({"step": 40}, {(0, 0, 0, 1), (0, 5, 7, 0), (0, 2, 3, 1), (0, 1, 1, 1)}),
    ],
)
def test_settings_choose_what_counts(settings, expected):
    encoding = Events(**{"step": 10, "height": 6, "width": 8, **settings})
    frame = encoding.frame(recording(EVENTS), 3)
    assert {tuple(int(n) for n in i) for i in np.argwhere(frame)} == expected


def test_a_sample_is_its_own_spikes_and_gives_words():
    sample = Events(step=10, height=6, width=8).frame(recording(EVENTS), 3)
    encoding = Spikes()
    assert encoding.addresses(sample.shape) == 96 and encoding.map(sample.shape) == (6, 8, 2)
    spikes = encoding.encode(sample[None], 3)
    assert np.array_equal(spikes[:, 0], sample.reshape(3, 96))
    words, last = encoding.events(sample, 3)
    assert len(words) == 3 + 3 and last[-1]
    assert encoding_from_table(encoding.table(), "encoder") == encoding


def test_nothing_is_left_of_a_map_that_is_too_small():
    with pytest.raises(TwinspikeError, match=r"encoder.downsample = 8 leaves nothing of 6 x 6"):
        Events(height=6, width=6, downsample=8).frame(recording(EVENTS), 3)
