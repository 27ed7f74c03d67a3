"""Captures as ISCX publishes them, made here: classes by name, samples of a minute, captures in one part."""

import dpkt
import pytest

from twinspike.config import config_from_table
from twinspike.model.data import load
from twinspike.model.data.iscx import LEAST, activity
from twinspike.model.data.load import config_dataset
from twinspike.numerics.errors import TwinspikeError

NAMES = (
    "email1a.pcap",
    "email1b.pcap",
    "email2a.pcap",
    "vpn_skype_chat1.pcap",
    "skype_chat2.pcap",
    "facebook_chat3.pcap",
)


ENCODER = {"kind": "packets", "step": 500_000, "bins": 32, "levels": 3}


def dataset():
    table = {"dataset": "iscx", "timesteps": 10, "encoder": ENCODER, "layers": [{"neurons": 8}]}
    return config_dataset(config_from_table("x", table), progress=False)


def capture(path, starts, size):
    """A capture of one flow: LEAST packets that follow each other from each of the `starts`, in seconds."""
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for start in starts:
            for i in range(LEAST):
                udp = dpkt.udp.UDP(sport=1000, dport=2000, data=bytes(size), ulen=8 + size)
                ip = dpkt.ip.IP(
                    src=b"\x0a\x00\x00\x01", dst=b"\x0a\x00\x00\x02", p=17, data=udp, len=28 + size
                )
                frame = dpkt.ethernet.Ethernet(data=ip, type=dpkt.ethernet.ETH_TYPE_IP)
                writer.writepkt(bytes(frame), start + i / 10)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    load._kept.cache_clear()
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    monkeypatch.setattr("twinspike.model.data.recorded.cache_folder", lambda: tmp_path / "cache")
    (tmp_path / "iscx" / "VPN").mkdir(parents=True)
    yield tmp_path / "iscx"
    load._kept.cache_clear()


def test_captures_become_samples_of_a_minute_by_the_class_of_their_name(folder):
    for name in NAMES:
        place = folder / "VPN" if name.startswith("vpn") else folder
        capture(place / name, (0, 70), 100 if "email" in name else 600)
    data = dataset()
    assert data.class_names == ("chat", "mail")
    # Two samples a capture; the third capture of each class, in the order of the paths, measures.
    assert len(data.train_labels) == 8 and len(data.test_labels) == 4
    sizes = data.test_images.sum(axis=(1, 3, 4))
    assert all(
        row.argmax() == (2 if label else 13) for row, label in zip(sizes, data.test_labels, strict=True)
    )


def test_minutes_with_few_packets_are_left_out(folder):
    for name in NAMES:
        capture(folder / name, (0, 59.5), 100)
    data = dataset()
    # Half of the second burst falls into the second minute: fewer than the least.
    assert len(data.train_labels) == 4 and len(data.test_labels) == 2


@pytest.mark.parametrize(
    "name, expected",
    [
        ("vpn_hangouts_chat1b.pcap", "chat"),
        ("facebook_video1a.pcapng", "video"),
        ("ftps_down_1a.pcap", "files"),
        ("vpn_bittorrent.pcap", "peers"),
        ("vpn_voipbuster1a.pcap", "voip"),
    ],
)
def test_names_say_the_activity(name, expected):
    assert activity(name) == expected


def test_what_is_missing_or_nameless_is_told(folder):
    with pytest.raises(TwinspikeError, match=r"iscx/\*\.pcap\*: the file is missing"):
        dataset()
    capture(folder / "tor.pcap", (0,), 50)
    with pytest.raises(TwinspikeError, match=r"tor\.pcap: the name says no activity: expected one of chat,"):
        dataset()
