import numpy as np
import pytest

from twinspike.numerics.encodings import Events, Mel, Packets, Spikes, encoding_from_table
from twinspike.numerics.encodings.frames import step_microseconds
from twinspike.numerics.encodings.mel import stretched, triangles
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.recordings import EventRecording, Flow, Sound


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


def tone(hertz, seconds=0.5, rate=8000, loud=1.0):
    return loud * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def test_triangles_are_even_on_the_mel_scale_and_cover_every_frequency():
    filters = triangles(8000, 512, 20, 100, 4000)
    peaks = filters.argmax(axis=1) * 8000 / 512
    mel = 2595 * np.log10(1 + peaks / 700)
    assert np.ptp(np.diff(mel)) < 35 and filters.max() <= 1
    inside = slice(int(peaks[0] * 512 / 8000) + 1, int(peaks[-1] * 512 / 8000))
    assert np.allclose(filters.sum(axis=0)[inside], 1)  # neighbours share each frequency between them
    with pytest.raises(TwinspikeError, match=r"encoder.low = 900 Hz is not below 800 Hz"):
        triangles(8000, 512, 20, 900, 800)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_tone_is_heard_in_its_band_at_any_rate(rate):
    encoding = Mel(bands=24)
    loud = encoding.loudness(Sound(tone(1000, rate=rate), rate), 40)
    centres = 700 * (10 ** (np.linspace(*[2595 * np.log10(1 + f / 700) for f in (50, 4000)], 26) / 2595) - 1)
    assert np.abs(centres[1:-1][loud.sum(axis=0).argmax()] - 1000) < 120
    assert loud.max() == pytest.approx(1) and loud.min() == 0


def test_crossings_are_counted_up_and_down():
    """A sound that swells and fades crosses every level once in each direction, loudest last."""
    envelope = np.concatenate([np.geomspace(1e-4, 1, 8000), np.geomspace(1, 1e-4, 8000)])
    sound = Sound(np.sin(2 * np.pi * 1000 * np.arange(16000) / 8000) * envelope, 8000)
    encoding = Mel(bands=16, levels=4, reach=60)
    spikes = encoding.frame(sound, 210)
    assert spikes.shape == (210, 16, 1, 8)
    band = spikes.sum(axis=(0, 2, 3)).argmax()
    up, down = spikes[:, band, 0, 0::2], spikes[:, band, 0, 1::2]
    assert (up.sum(axis=0) == 1).all() and (down.sum(axis=0) == 1).all()
    assert (np.diff(up.argmax(axis=0)) > 0).all() and (np.diff(down.argmax(axis=0)) < 0).all()


def test_a_spectrogram_spikes_once_a_place_and_loud_is_early():
    sound = Sound(np.concatenate([tone(500, loud=1.0), tone(500, loud=0.05)]), 8000)
    spikes = Mel(coding="latency", frames=90, bands=12).frame(sound, 16)
    assert spikes.shape == (16, 90, 12, 1) and spikes.sum(axis=0).max() == 1
    when = np.where(spikes.any(axis=0), spikes.argmax(axis=0), 99)[..., 0].min(axis=1)
    assert when[10] < when[80] < 99


def test_the_middle_of_a_sound_is_found():
    silence = np.zeros(8000)
    sound = Sound(np.concatenate([silence, tone(700, 0.2), silence]), 8000)
    heard = Mel(align="centre").loudness(sound, 40)
    assert np.flatnonzero(heard.any(axis=1)).mean() == pytest.approx(20, abs=1.5)
    assert not Mel().loudness(sound, 40).any()  # the first 0.4 s are silent
    assert not Mel().frame(Sound(silence, 8000), 20).any()


def test_packets_are_counted_by_size_direction_and_time():
    flow = Flow(np.array([50, 60, 149, 260, 261]), np.array([100, 120, -1600, 700, 710]))
    spikes = Packets(step=100, bins=4, largest=1600, levels=2).frame(flow, 3)
    found = {tuple(int(n) for n in at) for at in np.argwhere(spikes)}
    # Two small ones sent at once, a large one received, two of the middle size later.
    assert found == {(0, 0, 0, 0), (0, 0, 0, 2), (0, 3, 0, 1), (2, 1, 0, 0), (2, 1, 0, 2)}
    running = Packets(step=50, bins=4, largest=1600, levels=3, running=True).frame(flow, 6)
    again = {tuple(int(n) for n in at) for at in np.argwhere(running)}
    assert again == {(0, 0, 0, 0), (0, 0, 0, 2), (1, 3, 0, 1), (4, 1, 0, 0), (4, 1, 0, 2)}
    squeezed = Packets(step=100, bins=4, largest=1600, skip_empty=True).frame(flow, 3)
    assert {int(at[0]) for at in np.argwhere(squeezed)} == {0, 1}


def test_slow_and_fast_sounds_are_stretched_to_look_alike():
    """The same glide of one tone in 0.3 s and in 0.6 s, silence around it or not, is nearly one picture."""

    def glide(seconds: float, silence: float) -> Sound:
        t = np.arange(int(seconds * 8000)) / 8000
        swept = np.sin(2 * np.pi * (500 * t + 500 * t**2 / seconds))
        quiet = np.zeros(int(silence * 8000))
        return Sound(np.concatenate([quiet, swept, quiet]), 8000)

    stretch, start = (Mel(bands=16, align=align) for align in ("stretch", "start"))
    fast, slow = glide(0.3, 0.0), glide(0.6, 0.5)
    assert np.abs(stretch.loudness(fast, 20) - stretch.loudness(slow, 20)).mean() < 0.05
    assert np.abs(start.loudness(fast, 20) - start.loudness(slow, 20)).mean() > 0.1
    assert not stretch.loudness(Sound(np.zeros(4000), 8000), 20).any()
    with pytest.raises(TwinspikeError, match="no stretching"):
        step_microseconds(stretch)


@pytest.mark.parametrize(("rows", "parts"), [(1, 3), (2, 5), (7, 7), (10, 4), (90, 24)])
def test_stretching_keeps_the_mean_of_what_is_heard(rows, parts):
    """Each part is the mean of its share of the rows: checked against rows repeated `parts` times."""
    x = np.random.default_rng(rows).random((rows, 3))
    found = stretched(x, parts)
    assert found == pytest.approx(np.repeat(x, parts, axis=0).reshape(parts, rows, 3).mean(axis=1))
