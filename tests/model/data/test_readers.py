"""Readers against the counts that independent decoders gave, and against files that are none."""

import os
from pathlib import Path

import numpy as np
import pytest
from support.optional import needs

from twinspike.model.data.readers import kind_of, read_recording
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.recordings import EventRecording

# File, events, microseconds (None: not stated), sides where the file or its format says them.
COUNTS = [
    ("aedat2/IMU_rotDisk.aedat.xz", 374_296, 3_170_000, (240, 180)),
    ("aedat2/IMU_translBoxes.aedat.xz", 162_771, 2_070_000, (240, 180)),
    ("aedat2/synthesized/RotatingBar.aedat.xz", 45_000, None, None),
    ("aedat2/synthesized/OscillatingDoubleBar.aedat.xz", 100_000, None, None),
    ("aedat2/synthesized/TranslatingSquare.aedat.xz", 16_000, None, None),
    ("aedat2/synthesized/TranslatingBarX.aedat.xz", 10_000, None, None),
    ("aedat2/synthesized/TranslatingBarY.aedat.xz", 10_000, None, None),
    ("evt2/expelliarmus_evt2_sample.raw.xz", 539_481, 50_000, None),
    ("evt2/faery_evt2.raw.xz", 521_252, 96_000, None),
    ("evt2/genx320_left2.bin.xz", 119_317, 2_950_000, (320, 320)),
    ("evt3/expelliarmus_evt3_sample.raw.xz", 219_596, None, (1280, 720)),
    ("dat/sample_ncars.dat", 2_009, 100_000, None),
    ("nmnist-bin/sample_nmnist.bin", 4_325, 311_000, (34, 34)),
    ("es/dvs.es.xz", 473_225, 999_000, (320, 240)),
    ("bs1-oxford/input.bs1", 1_889, 1_900_000, None),
    ("bs1-oxford/output.bs1", 10_361, 1_900_000, None),
    ("txt-slider_depth/events_chunk.txt.xz", 50_000, 170_000, (240, 180)),
    # Two decoders of different authors count so many; another one is said to find 118,651.
    ("aedat4/sample.aedat4.xz", 111_954, None, (320, 240)),
]


def folder() -> Path:
    return Path(os.environ["TWINSPIKE_DATA"]) / "event-files"


@needs("datasets")
@needs("faery")
@pytest.mark.parametrize(("file", "events", "duration", "sides"), COUNTS, ids=[row[0] for row in COUNTS])
def test_recordings_of_many_tools(file, events, duration, sides):
    found = read_recording(folder() / file)
    assert isinstance(found, EventRecording) and len(found) == events
    assert found.x.max() < found.width and found.y.max() < found.height and found.x.min() >= 0
    assert not sides or (found.width, found.height) == sides
    assert duration is None or abs(found.duration - duration) < max(duration * 0.01, 1000)


@needs("datasets")
@needs("faery")
def test_evt3_places_equal_another_decoder_s():
    import io
    import lzma

    packed = (folder() / "evt3/expelliarmus_evt3_sample.npy.xz").read_bytes()
    expected = np.load(io.BytesIO(lzma.decompress(packed)))
    found = read_recording(folder() / "evt3/expelliarmus_evt3_sample.raw.xz")
    assert np.array_equal(found.x, expected["x"]) and np.array_equal(found.y, expected["y"])
    assert np.array_equal(found.on, expected["p"].astype(bool))


@needs("datasets")
@needs("faery")
@pytest.mark.parametrize("file", [row[0] for row in COUNTS if not row[0].endswith("sample_nmnist.bin")])
@pytest.mark.parametrize("damage", ["cut", "noise"])
def test_damaged_recordings_give_one_line_or_fewer_events(tmp_path, file, damage):
    """A file that is cut off, or whose bytes are noise, never ends in anything but a message or events."""
    import lzma

    source = folder() / file
    data = source.read_bytes()
    data = lzma.decompress(data) if source.suffix == ".xz" else data
    rng = np.random.default_rng(4)
    if damage == "cut":
        data = data[: int(len(data) * 0.6) | 1]
    else:
        noise = bytearray(data[:200_000])
        for at in rng.integers(0, len(noise), 400):
            noise[at] = int(rng.integers(0, 256))
        data = bytes(noise)
    path = tmp_path / source.name.removesuffix(".xz")
    path.write_bytes(data)
    try:
        assert len(read_recording(path)) > 0
    except TwinspikeError as error:
        assert "\n" not in str(error) and path.name in str(error)


def five_bytes(events):
    rows = [(x, y, on << 7 | t >> 16, t >> 8 & 0xFF, t & 0xFF) for t, x, y, on in events]
    return np.array(rows, np.uint8).tobytes()


def test_five_bytes_an_event_and_the_clock_that_starts_anew(tmp_path):
    events = [(100, 3, 4, 1), (0x7FFFFF, 33, 0, 0), (0, 0, 240, 0), (5, 1, 2, 1)]
    path = tmp_path / "a.bs2"
    path.write_bytes(five_bytes(events))
    found = read_recording(path)
    # The event at y 240 marks the clock's overflow and is none.
    assert found.t.tolist() == [100, 0x7FFFFF, 0x800005] and found.x.tolist() == [3, 33, 1]
    assert found.y.tolist() == [4, 0, 2] and found.on.tolist() == [True, False, True]
    assert (found.width, found.height) == (34, 34)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.bs2", b"1234567", "ends within an event (2 of 5 bytes)"),
        ("a.bs2", b"", "holds no events: expected one at least"),
        ("a.dat", b"no header", "is no DAT file"),
        (
            "a.dat",
            b"% Width 3\n\x05\x08",
            "event type and size = '5, 8' is not allowed: expected 0 or 12, of 8 bytes",
        ),
        ("a.txt", b"1 2 3\n4 5 6\n", "has 3 columns: expected four, t x y p"),
        ("a.txt", b" \n", "holds no events"),
        ("a.txt", b"1e300 1 1 1\n", "holds a time beyond 4503599627370496 microseconds, or a coordinate"),
        ("a.txt", b"1 1e30 1 1\n", "holds a time beyond"),
        ("a.txt", b"one two\n", "is no table of events, lines of t x y p"),
        ("a.aedat", b"#!AER-DAT2.0\r\n1234567", "ends within an event (7 of 8 bytes)"),
        ("a.bin", b"\xdd" * 8, "word 0 is 0xdddddddd: no word of EVT 2 has type 13"),
        ("a.wav", b"RIFF", "is no sound that can be read"),
        ("a.pcap", b"1234", "is no .pcap or .pcapng file"),
        ("a.txt.xz", b"no xz", "cannot be unpacked"),
        ("a.xyz", b"", "no reader knows this ending: allowed are .aedat"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(TwinspikeError) as caught:
        read_recording(path)
    assert said in str(caught.value) and "\n" not in str(caught.value) and name in str(caught.value)


def test_endings_say_what_is_recorded():
    found = [kind_of(Path(name)) for name in ("a.WAV", "b.aedat4.xz", "c.pcapng", "d.png", "e")]
    assert found == ["sound", "events", "packets", None, None]


def test_flows_of_a_capture(tmp_path):
    import dpkt

    from twinspike.model.data.readers.packets import read_flows

    path = tmp_path / "a.pcap"
    ends = (b"\x0a\x00\x00\x01", 5000), (b"\x0a\x00\x00\x02", 443)
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for time, (source, target), size in [(1.0, ends, 20), (1.25, ends[::-1], 100), (1.5, ends, 0)]:
            udp = dpkt.udp.UDP(sport=source[1], dport=target[1], data=b"x" * size, ulen=8 + size)
            ip = dpkt.ip.IP(src=source[0], dst=target[0], p=17, data=udp, len=28 + size)
            writer.writepkt(bytes(dpkt.ethernet.Ethernet(data=ip)), ts=time)
    flows = read_flows(path, path.read_bytes())
    assert [key.text for key in flows] == ["10.0.0.1:5000 > 10.0.0.2:443 UDP"]
    (flow,) = flows.values()
    assert flow.size.tolist() == [48, -128, 28] and np.diff(flow.t).tolist() == [250_000, 250_000]
    assert len(read_recording(path)) == 3
    # What is cut off leaves the packets before it.
    path.write_bytes(path.read_bytes()[:-50])
    assert len(read_recording(path)) == 2
