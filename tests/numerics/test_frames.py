"""Recordings that are longer than a frame: cut without a gap, the first frame as the encoding makes it."""

import numpy as np
import pytest
from support.recordings import ENCODING, STEP, random_recording

from twinspike.numerics.encodings import Events, Latency, Mel, Packets
from twinspike.numerics.encodings import frames as live
from twinspike.numerics.encodings.frames import live_frames
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.recordings import EventRecording, Flow, Sound

T = 4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("skip", [0, 5000])
def test_events_of_consecutive_frames_are_those_of_one_long_frame(seed, skip):
    encoding = Events(step=STEP, height=6, width=6, skip=skip)
    recording = random_recording(seed)
    found = list(live_frames(encoding, recording, T))
    assert np.array_equal(found[0].spikes, encoding.frame(recording, T).reshape(T, -1))
    whole = encoding.frame(recording, T * len(found)).reshape(len(found), T, -1)
    assert np.array_equal(np.stack([frame.spikes for frame in found]), whole)
    assert [frame.start for frame in found] == [skip + k * T * STEP for k in range(len(found))]
    assert [frame.lasts for frame in found[:-1]] == [T * STEP] * (len(found) - 1)
    assert found[-1].start + found[-1].lasts == recording.duration
    # None is left out at the end, and none is made up behind it.
    assert encoding.frame(recording, 1000).sum() == whole.sum() and whole[-1].any()


def test_silence_within_a_recording_is_made_of_frames_too():
    t = np.array([7, 9 * T * STEP + 7])
    one = np.zeros(2, np.int32)
    found = list(live_frames(ENCODING, EventRecording(t, one, one, one > 0, 6, 6), T))
    assert [bool(frame.spikes.any()) for frame in found] == [True, *[False] * 8, True]


def test_a_sound_is_cut_where_frames_end():
    rng = np.random.default_rng(1)
    encoding = Mel(bands=8, levels=2)
    sound = Sound(rng.standard_normal(8000) / 9, 8000)
    found = list(live_frames(encoding, sound, 25))
    assert [frame.start for frame in found] == [0, 250_000, 500_000, 750_000]
    for frame, first in zip(found, range(0, 8000, 2000), strict=True):
        piece = Sound(sound.samples[first : first + 2000], 8000)
        assert np.array_equal(frame.spikes, encoding.frame(piece, 25).reshape(25, -1))


def test_a_flow_is_cut_where_frames_end():
    encoding = Packets(step=10, bins=4)
    flow = Flow(np.array([5, 8, 46, 150]), np.array([100, -1400, 700, 60]))
    found = list(live_frames(encoding, flow, 4))
    assert [int(frame.spikes.sum()) for frame in found] == [2, 1, 0, 1]
    assert [frame.lasts for frame in found] == [40, 40, 40, 25]
    first = encoding.frame(Flow(flow.t[:2], flow.size[:2]), 4)
    assert np.array_equal(found[0].spikes, first.reshape(4, -1))


@pytest.mark.parametrize("encoding", [Latency(), Mel(coding="latency"), Packets(skip_empty=True)])
def test_what_has_no_steps_in_time_cannot_be_streamed(encoding):
    with pytest.raises(TwinspikeError, match="its frames have no steps of a length in time"):
        live_frames(encoding, random_recording(1), T)


def test_a_broken_clock_is_refused(monkeypatch):
    monkeypatch.setattr(live, "MOST_FRAMES", 6)
    with pytest.raises(TwinspikeError, match=r"recording's duration.*at most 6 frames"):
        live_frames(ENCODING, random_recording(1), T)
