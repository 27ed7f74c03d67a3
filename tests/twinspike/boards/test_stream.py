"""Recordings streamed to a simulated board, and files given to it: every answer is the golden model's."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.recordings import STEP, events_network, five_bytes, random_recording

from twinspike.boards.live import recordings_to_stream, stream_recordings
from twinspike.boards.stream import Streamed, recording_frames, replay, replay_by_timer, summary
from twinspike.cli.main import main
from twinspike.config import config_from_table
from twinspike.host import Device, DeviceError
from twinspike.host.live import TimedRun
from twinspike.hw.plan import make_plan
from twinspike.model.data.recorded import RECORDED, Entry, Source
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import frame_words
from twinspike.numerics.recordings import EventRecording
from twinspike.sim.board.board import SimulatedBoard
from twinspike.sim.golden import run

NAMES = ("left", "right", "still")
T = 4
CONFIG = f"""
dataset = "./bars"
timesteps = {T}
[encoder]
kind = "events"
step = {STEP}
height = 6
width = 6
[[layers]]
neurons = 24
[[layers]]
neurons = 8
"""


@pytest.fixture(scope="module")
def network():
    return events_network(timesteps=T, names=NAMES)


@pytest.fixture(scope="module")
def board(network, tmp_path_factory):
    # A small buffer: a step of many events takes several requests.
    folder = tmp_path_factory.mktemp("board")
    with SimulatedBoard(make_plan(network, step_timer=1000), folder, buffer_bytes=64, clock_mhz=1) as running:
        yield running


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "bar.bs2"
    path.write_bytes(five_bytes(random_recording(2)))
    return path


def wanted(network, file):
    """(label, distance) of each frame."""
    found = [run(network, frame.spikes[:, None]).results for frame in recording_frames(network, file)]
    return [(int(r.label[0]), int(r.distance[0])) for r in found]


@pytest.mark.parametrize("speed", [0.0, 0.5, 1e6])
def test_answers_are_the_golden_models_at_any_pace(board, network, recording, speed):
    said = []
    with Device.open(board.port, network=network, timeout=5.0) as device:
        frames = recording_frames(network, recording)
        began = time.monotonic()
        done = replay(device, network, frames, speed=speed, check=True, tell=said.append)
        seconds = time.monotonic() - began
        # The device is as it was: another frame is answered as well.
        (after,) = device.classify_events([np.array([0x8000] * T, np.uint16)])
    expected = wanted(network, recording)
    assert done.frames == len(expected) == len(said) == 7 and not done.different
    for frame, (line, (label, distance)) in enumerate(zip(said, expected, strict=True), 1):
        assert f"{NAMES[label]} (label {label}), distance {distance}" in line
        assert line.split()[0] == f"{frame * T * STEP / 1e6:.3f}"
        assert ("the recording ends" in line) == (frame == len(said))
    assert speed != 0.5 or seconds >= 6.9 * T * STEP / 1e6 / speed
    silent = run(network, np.zeros((T, 1, 72), bool)).results
    assert (after.label, after.distance) == (silent.label[0], silent.distance[0])


def test_recordings_that_measure_are_streamed_one_after_the_other(board, network, monkeypatch, tmp_path):
    """Two of the three recordings of the test part, at their own pace; the answers are the golden model's."""
    made = [random_recording(seed) for seed in range(4)]
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    (tmp_path / "file").write_text("made")

    def entries(paths, fold):
        for number, one in enumerate(made):
            yield Entry("train" if number == 1 else "test", "left", lambda found=one: found)

    monkeypatch.setitem(RECORDED, "nmnist", Source("events", ".", ("file",), entries))
    encoder = dict(kind="events", step=STEP, height=6, width=6)
    table = {"timesteps": T, "encoder": encoder, "layers": [{"neurons": 24}, {"neurons": 8}]}
    config = config_from_table("bars", {"dataset": "nmnist", **table})
    recordings = recordings_to_stream(config, 2)
    assert [len(one) for one in recordings] == [len(made[0]), len(made[2])]
    said = []
    with Device.open(board.port, network=network, timeout=5.0) as device:
        found = stream_recordings(device, network, recordings, said.append)
    assert found["answers"] == len(said) == sum(one.duration // (T * STEP) + 1 for one in recordings)
    assert found["recordings"] == 2 and found["different"] == 0
    assert found["seconds"] == pytest.approx(sum(one.duration for one in recordings) / 1e6)
    own = config_from_table("bars", {"dataset": "./bars", **table})
    with pytest.raises(TwinspikeError, match=r"--stream: dataset \./bars is none of nmnist"):
        recordings_to_stream(own, 2)
    with pytest.raises(TwinspikeError, match="nothing can be"):
        recordings_to_stream(
            config_from_table("bars", {**table, "dataset": "mnist", "encoder": {"kind": "latency"}}), 2
        )


def test_a_difference_from_the_golden_model_is_said_and_counted(board, network, recording):
    said = []
    with Device.open(board.port, network=network, timeout=5.0) as device:
        device.threshold = 1 << 20
        frames = recording_frames(network, recording)
        done = replay(device, network, frames, speed=0.0, check=True, tell=said.append)
        device.threshold = network.verify_threshold
    far = sum(distance > network.verify_threshold for _, distance in wanted(network, recording))
    assert done.different == far > 0 and sum("; golden model: unknown" in line for line in said) == far
    assert done.unknown == 0 and f"{far} differ" in summary(done, network, 0.0, True)


def test_an_impossible_speed_is_refused(network):
    for speed in (-1.0, float("inf"), float("nan")):
        with pytest.raises(TwinspikeError, match=r"--speed.*a number >= 0"):
            replay(None, network, iter(()), speed=speed)  # type: ignore[arg-type]
    assert "0 frames of 4 steps, 0 unknown" in summary(Streamed(), network, 0.0, False)


@pytest.fixture
def trained(network, tmp_path, monkeypatch):
    """A folder with a configuration and its network, as the command line finds them."""
    from twinspike.config import load_config
    from twinspike.flow.identity import claim

    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.toml").write_text(CONFIG)
    config = load_config("bars.toml")
    (tmp_path / "build" / "bars").mkdir(parents=True)
    claim(config, tmp_path / "build" / "bars")
    network.save(tmp_path / "build" / "bars" / "network.safetensors")
    return tmp_path


def test_the_command_streams_and_classifies_files(board, network, recording, trained, capsys, tmp_path):
    common = ["--port", board.port, "--config", "bars.toml", "--timeout", "5"]
    assert main(["device", "stream", "bar.bs2", "--speed", "0", "--check", *common]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and lines[-1].endswith("0 differ from the golden model")
    assert main(["device", "classify", "--events", "bar.bs2", *common]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    label, distance = wanted(network, recording)[0]
    assert line.startswith("bar.bs2: ") and f"{NAMES[label]} (label {label}), distance {distance}" in line
    assert main(["predict", "bar.bs2", "--config", "bars.toml"]) == 0
    assert line.startswith(capsys.readouterr().out.strip())


def test_what_cannot_be_streamed_is_one_line_before_the_device_is_opened(trained, recording, capsys):
    Image.new("L", (6, 6)).save("picture.png")
    Path("cut.bs2").write_bytes(recording.read_bytes()[:-2])
    Path("strange.bs2").write_bytes(b"")
    Path("some.wav").write_bytes(b"RIFF")
    Path("late.txt").write_text("0 1 1 1\n900000000000000 1 1 1\n")
    common = ["--port", "/dev/none", "--config", "bars.toml"]
    for arguments, said in (
        (["stream"], "stream: name a recording"),
        (["stream", "gone.bs2"], "gone.bs2"),
        (["stream", "picture.png"], "no reader knows this ending"),
        (["stream", "cut.bs2"], "ends within an event"),
        (["stream", "strange.bs2"], "holds no events"),
        (["stream", "some.wav"], "some.wav: holds sound: tiny takes events"),
        (["stream", "late.txt"], "late.txt: recording's duration = '900000000000000 "),
        (["stream", "bar.bs2", "--speed", "-1"], "--speed = -1.0 is not allowed"),
        (["classify", "--wav", "some.wav", "--events", "bar.bs2"], "one kind of input"),
    ):
        assert main(["device", *arguments, *common]) == 2, arguments
        _, err = capsys.readouterr()
        assert said in err and err.count("\n") == 1 and "Traceback" not in err, (arguments, err)


def test_ctrl_c_ends_a_stream_with_one_line(board, trained, recording):
    arguments = ["device", "stream", "bar.bs2", "--speed", "0.02", "--config", "bars.toml"]
    process = subprocess.Popen(
        [sys.executable, "-m", "twinspike.cli", *arguments, "--port", board.port, "--timeout", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        # A shell has its background jobs, and their children, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert first.startswith("    0.008 s") and (process.returncode, err) == (130, "twinspike: interrupted\n")


def bursts(frames):
    """A recording whose events come all at once, at the beginning of frames that lie far apart."""
    rng = np.random.default_rng(4)
    rows = [
        (frame * 3 * T * STEP, pixel, polarity)
        for frame in range(frames)
        for pixel, polarity in enumerate(rng.integers(0, 3, 6).tolist())
        if polarity < 2
    ]
    t, x, on = np.array(rows).T
    return EventRecording(t.astype(np.int64), x.astype(np.int32), np.zeros(len(t), np.int32), on > 0, 6, 6)


def test_a_device_with_a_step_timer_makes_the_ticks_itself(board, network, tmp_path):
    path = tmp_path / "bursts.bs2"
    path.write_bytes(five_bytes(bursts(3)))
    spikes = np.zeros((T, 3, 72), bool)
    for number, frame in enumerate(f for f in recording_frames(network, path) if f.spikes.any()):
        spikes[:, number] = frame.spikes
    assert not spikes[1:].any()
    expected = run(network, spikes).results
    said = []
    with Device.open(board.port, network=network, timeout=5.0) as device:
        # Its clock is the board's, 1 MHz by its own word: a step lasts 100,000 clocks.
        line = replay_by_timer(
            device, network, path, speed=0.02, tell=said.append, clock=lambda: board.clocks / 1e6
        )
        # Then frames come with their TICKs again, in this session and the next.
        (after,) = device.classify_events([frame_words(spikes[:, 0])[0]])
        assert device.stats().errors == () and device.stats().frames == 1
        assert (after.label, after.distance) == (expected.label[0], expected.distance[0])
    assert line.startswith("3 frames by the device's clock, ")
    assert line.endswith("; 0 answers missed, 0 events dropped, 0 steps too long")
    for text, label, distance in zip(said, expected.label, expected.distance, strict=True):
        assert f"{NAMES[label]} (label {label}), distance {distance}" in text


def test_a_timer_that_an_earlier_session_left_running_is_stopped(board, network):
    spikes = np.random.default_rng(1).random((T, 72)) < 0.2
    found = run(network, spikes[:, None]).results
    for _ in range(2):
        with Device.open(board.port, network=network, timeout=5.0) as device:
            (answer,) = device.classify_events([frame_words(spikes)[0]])
            assert (answer.label, answer.distance) == (found.label[0], found.distance[0])
            # As a session that was killed: in the midst of a frame without an end.
            TimedRun(device._channel, 1 << 31).send(np.array([3, 5]))


def test_what_the_timer_cannot_do_is_refused(board, network, trained, recording, capsys):
    common = ["--port", board.port, "--config", "bars.toml", "--timeout", "5", "--timer"]
    for arguments, said in (
        (["--check"], "the device's clock chooses the steps"),
        (["--speed", "0"], "the device's clock goes on at its own pace"),
    ):
        assert main(["device", "stream", "bar.bs2", *common, *arguments]) == 2
        assert said in capsys.readouterr().err
    with Device.open(board.port, network=network, timeout=5.0) as device:
        with pytest.raises(TwinspikeError, match="clocks of a step"), device.by_timer(0):
            pass
        device.info = dataclasses.replace(device.info, timer=False)
        with pytest.raises(DeviceError, match="no step timer"), device.by_timer(5):
            pass
