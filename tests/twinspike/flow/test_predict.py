"""`twinspike predict`: files to answers, with the golden model and nothing else."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from support.networks import random_network
from support.recordings import events_network, five_bytes, random_recording

from twinspike.cli.main import main
from twinspike.config import config_from_table
from twinspike.flow.predict import answer_text, predictions
from twinspike.model.data.one_file import read_sample
from twinspike.model.data.settings import DataSettings
from twinspike.numerics.emd import NO_RUNNER_UP
from twinspike.numerics.encodings import Latency, Mel, Packets
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.class_names import class_names, label_text
from twinspike.quant.network_file import load_network, parse_network
from twinspike.sim.golden import run

CONFIG = config_from_table("mine", {"dataset": "./x", "layers": [{"neurons": 4}]})


def answers(network, *files, config=CONFIG, **options):
    return list(predictions(config.data, network, [Path(file) for file in files], **options))


def same(found, network, sample):
    r = run(network, network.encode(sample[None])).results
    assert (found.label, found.distance, found.runner_up, found.known) == (
        r.label[0],
        r.distance[0],
        r.runner_up[0],
        r.same[0],
    )


def test_images_are_brought_to_the_networks_size(tmp_path):
    network = random_network(1, shape=(6, 5), encoder=Latency())
    rng = np.random.default_rng(1)
    right = rng.integers(0, 256, (6, 5), dtype=np.uint8)
    Image.fromarray(right).save(tmp_path / "right.png")
    large = np.kron(right, np.ones((4, 4), np.uint8))
    Image.fromarray(large).save(tmp_path / "large.png")
    Image.fromarray(np.dstack([large] * 3)).save(tmp_path / "colour.png")
    found = answers(network, *(tmp_path / f"{name}.png" for name in ("right", "large", "colour")))
    for one in found:
        same(one, network, right)
    inverted = dataclasses.replace(CONFIG, data=DataSettings(invert=True))
    same(answers(network, tmp_path / "right.png", config=inverted)[0], network, 255 - right)


def test_colour_images_keep_their_channels(tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    assert np.array_equal(read_sample(tmp_path / "a.png", DataSettings(), Latency(), 3, (4, 4, 3)), image)


def test_recordings_sounds_and_captures_are_read_as_a_datasets_are(tmp_path):
    network = events_network()
    recording = random_recording(5)
    (tmp_path / "a.bs2").write_bytes(five_bytes(recording))
    same(answers(network, tmp_path / "a.bs2")[0], network, network.encoder.frame(recording, 4))

    samples = np.random.default_rng(2).standard_normal(8000) / 9
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="DOUBLE")
    mel = Mel(bands=4, levels=1)
    hears = dataclasses.replace(random_network(2, shape=(8,), widths=(4, 3)), encoder=mel, shape=(5, 4, 1, 2))
    (found,) = answers(hears, tmp_path / "a.wav")
    assert found.title.endswith("a.wav") and 0 <= found.label < 3


def capture(path):
    """Two flows of UDP, three packets and one."""
    import dpkt

    def frame(source, target, size):
        udp = dpkt.udp.UDP(sport=source, dport=target, data=b"x" * size)
        udp.ulen = len(udp)
        ip = dpkt.ip.IP(src=b"\x0a\0\0\1", dst=b"\x0a\0\0\2", p=17, data=udp)
        ip.len = len(ip)
        return bytes(dpkt.ethernet.Ethernet(data=ip))

    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for time, source, size in ((1.0, 1000, 40), (1.1, 2000, 900), (1.2, 1000, 1200), (1.3, 1000, 10)):
            writer.writepkt(frame(source, 53, size), time)


def test_a_capture_is_one_sample_or_one_for_each_flow(tmp_path):
    capture(tmp_path / "a.pcap")
    encoder = Packets(bins=4)
    network = dataclasses.replace(
        random_network(2, shape=(8,), widths=(4, 3)), encoder=encoder, shape=(5, 4, 1, 2)
    )
    assert len(answers(network, tmp_path / "a.pcap")) == 1
    found = answers(network, tmp_path / "a.pcap", flows=True)
    assert [one.title.split(" > ")[0] for one in found] == ["10.0.0.1:1000", "10.0.0.1:2000"]
    with pytest.raises(TwinspikeError, match="--flows is for captures"):
        answers(events_network(), tmp_path / "a.pcap", flows=True)


def test_what_does_not_suit_the_network_is_one_line(tmp_path):
    network = random_network(1, shape=(6, 5), encoder=Latency())
    (tmp_path / "a.bs2").write_bytes(five_bytes(random_recording(5)))
    (tmp_path / "a.png").write_bytes(b"nothing")
    (tmp_path / "a.doc").write_bytes(b"nothing")
    Image.new("L", (4, 4)).save(tmp_path / "b.png")
    strange = dataclasses.replace(network, encoder=Latency(), shape=(6, 5, 1, 1))
    for given, file, said in (
        (network, "a.bs2", "holds recordings of events, but encoder.kind = 'latency' takes images"),
        (network, "a.png", "is no picture"),
        (network, "a.doc", "no reader knows this ending"),
        (network, "gone.png", "gone.png"),
        (events_network(), "b.png", "holds images, but encoder.kind = 'events' takes recordings"),
        (random_network(1, shape=(7,)), "b.png", "which no picture becomes"),
        (strange, "b.png", "which no picture becomes"),
    ):
        with pytest.raises(TwinspikeError, match=said) as caught:
            answers(given, tmp_path / file)
        assert "\n" not in str(caught.value)


def test_labels_have_the_names_that_the_file_keeps():
    network = events_network(names=("cat", "dog"))
    again = parse_network(network.to_bytes(), "file")
    assert class_names(again) == ("cat", "dog")
    assert answer_text(again, 1, 12, 40, True) == "dog (label 1), distance 12, runner-up 40"
    assert answer_text(again, 2, 9, NO_RUNNER_UP, False) == "unknown, nearest is label 2, distance 9"
    # A stranger's file may hold anything there: it is left out, or shown without what a terminal would obey.
    for strange in (7, "cat", ["cat", 3], None, {"0": "cat"}):
        odd = dataclasses.replace(network, provenance={"class_names": strange})
        assert label_text(odd, 0) == "label 0"
    odd = dataclasses.replace(network, provenance={"class_names": ["\x1b[31m" + "a" * 999]})
    assert label_text(odd, 0) == "?[31m" + "a" * 95 + " (label 0)" and label_text(odd, -1) == "label -1"


def test_a_network_of_ones_own_data_keeps_class_names_and_others_their_bytes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for name, level in (("dark", 60), ("bright", 200)):
        Path("shades", name).mkdir(parents=True)
        for i in range(12):
            noisy = rng.integers(level - 20, level + 20, (6, 6), dtype=np.uint8)
            Image.fromarray(noisy).save(Path("shades", name, f"{i}.png"))
    text = "{}timesteps = 3\n[[layers]]\nneurons = 6\n[[layers]]\nneurons = 4\n"
    text += "[training]\nepochs = 1\nbatch_size = 8\nimages = 200\ninitial_gain = 3\n"
    Path("shades.toml").write_text(text.format('dataset = "./shades"\n'))
    Path("plain.toml").write_text(text.format(""))
    for name in ("shades", "plain"):
        assert main(["train", "--config", f"{name}.toml"]) == 0
    kept = load_network(Path("build/shades/network.safetensors"))
    assert class_names(kept) == ("bright", "dark")
    assert "class_names" not in load_network(Path("build/plain/network.safetensors")).provenance
    capsys.readouterr()
    assert main(["predict", "--config", "shades.toml", "shades/dark/0.png", "shades/bright/1.png"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["shades/dark/0.png", "shades/bright/1.png"]
    assert all("bright (label 0)" in line or "dark (label 1)" in line for line in lines)
