"""The host's program against a simulated board: bits on UART pins at one end, answers at the other."""

import contextlib
import dataclasses
import itertools
import re

import numpy as np
import pytest
import serial
from sklearn.datasets import load_digits
from support.networks import random_network

from twinspike.cli.main import main
from twinspike.host import Device, DeviceError, LinkError, references, registers, weights
from twinspike.host.check import NewClass, check_device
from twinspike.hw.board.boards import board as board_named
from twinspike.hw.plan import make_plan
from twinspike.hw.weights.image import HEADER_WORDS, weight_image
from twinspike.model.data.shipped import load_dataset
from twinspike.numerics import emd
from twinspike.numerics.commands import STAGED_SLOT
from twinspike.numerics.decision import enrolled_threshold
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.link import FLAG, STEP_ENDS, Op, frame
from twinspike.sim.board.board import SimulatedBoard
from twinspike.sim.golden import run
from twinspike.sim.siamese import COMMIT, ENROL, SiameseCore

SLOTS = 13


@pytest.fixture(scope="module")
def network():
    plain = random_network(3, timesteps=6, shape=(8, 8), widths=(144, 12), classes=10)
    return dataclasses.replace(plain, provenance={"class_names": [f"digit-{label}" for label in range(10)]})


@pytest.fixture(scope="module")
def plan(network):
    """As on a board with a UP5K, with just as many weights as need its SPRAM."""
    plan = make_plan(network, board_named("icebreaker").lanes, "up5k", slots=SLOTS)
    assert plan.layers[0].memory == "spram"
    return plan


@pytest.fixture(scope="module")
def board(plan, tmp_path_factory):
    with SimulatedBoard(plan, tmp_path_factory.mktemp("board"), buffer_bytes=256) as running:
        yield running


@pytest.fixture(scope="module")
def images():
    return (load_digits().images * 15.9).astype(np.uint8)


@pytest.fixture
def device(board, network):
    with Device.open(board.port, network=network) as opened:
        yield opened
        for slot in range(10, SLOTS):
            opened.clear(slot)


def counts_of(network, images):
    """Output counts [B][T, N] of images."""
    return emd.cumulative_counts(run(network, network.encode(images)).spikes[-1]).transpose(1, 0, 2)


def record(answer):
    return answer.label, answer.distance, answer.runner_up, answer.same


def test_hundred_images_and_three_new_classes(device, network, images):
    golden = SiameseCore(network, SLOTS)
    counts = counts_of(network, images)
    assert [record(a) for a in device.classify(images[:100])] == [
        record(golden.frame(c)) for c in counts[:100]
    ]

    for slot, at, label in ((10, 200, 100), (11, 201, 101), (12, 202, 0xFFFE)):
        golden.command(ENROL)
        assert record(device.enrol(slot, label, images[at])) == record(golden.frame(counts[at]))
        golden.command(COMMIT | slot << 8 | label << 16)
        golden.command(0)
        assert device.reference(slot) == (label, True)
        assert (device.read_reference(slot) == counts[at]).all()
    for slot in (10, 11, 12):
        golden.command(3 | slot << 8)
        some = slice(300, 310)
        assert [record(a) for a in device.verify(slot, images[some])] == [
            record(golden.frame(c)) for c in counts[some]
        ]
    golden.command(0)
    assert [record(a) for a in device.classify(images[200:260])] == [
        record(golden.frame(c)) for c in counts[200:260]
    ]
    assert next(device.classify(images[201:202])).label == 101
    device.clear(11)
    assert device.reference(11)[1] is False
    with pytest.raises(DeviceError, match=r"slot 11 is empty: enrol into it first"):
        list(device.verify(11, images[0]))


def test_embedding_and_a_reference_that_the_host_kept(device, network, images):
    spikes = run(network, network.encode(images[:5])).spikes[-1]
    found = list(device.embed(images[:5]))
    assert (np.stack([s for s, _ in found], axis=1) == spikes).all()
    counts = counts_of(network, images[7:8])[0]
    device.write_reference(12, 55, counts)
    assert (device.read_reference(12) == counts).all()
    answer = next(device.classify(images[7]))
    assert (answer.label, answer.distance) == (55, 0)
    with pytest.raises(TwinspikeError, match=r"counts = .* is not allowed: expected \[6, 12\], 0..6"):
        device.write_reference(12, 55, counts + 7)


def test_thresholds_of_slots(device, network, images):
    """What is further from the nearest slot than its own threshold is unknown, whatever the device's is."""
    golden = SiameseCore(network, SLOTS)
    counts = counts_of(network, images)
    distance = int(emd.emd(counts[200], counts[205]))
    for threshold in (0, distance - 1, distance, 1 << 30, None):
        golden.command(ENROL)
        golden.frame(counts[200])
        golden.commit_threshold(0 if threshold is None else threshold | 1 << 31)
        golden.command(COMMIT | 11 << 8 | 300 << 16)
        golden.command(0)
        device.enrol(11, 300, images[200], threshold=threshold)
        kept = device.slots()[11].threshold
        assert kept == golden.slots[11].threshold
        some = slice(195, 225)
        found = [record(answer) for answer in device.classify(images[some])]
        assert found == [record(golden.frame(c)) for c in counts[some]]
        (answer,) = device.verify(11, images[205:206])
        wanted = device.threshold if threshold is None else threshold
        assert answer.distance == distance and answer.same == (distance <= wanted)
    with pytest.raises(TwinspikeError, match=r"threshold = -1 is not allowed: expected an integer in 0..2"):
        device.enrol(11, 300, images[200], threshold=-1)


def test_an_update_keeps_the_old_reference_until_the_new_one_is_whole(device, network, images):
    device.enrol(12, 77, images[3], threshold=5)
    held, line = device.read_reference(12), device._channel
    new = counts_of(network, images[4:5])[0]

    whole = registers.burst

    def half(channel, name, values, progress=None):
        whole(channel, name, values[: len(values) // 2], progress)
        raise LinkError("the line is gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registers, "burst", half)
        with pytest.raises(LinkError):
            device.write_reference(12, 78, new)
    assert device.reference(12) == (77, True) and (device.read_reference(12) == held).all()
    device.write_reference(12, 78, new)
    assert device.reference(12) == (78, True) and (device.read_reference(12) == new).all()
    assert device.slots()[12].threshold is None
    # What the slot held is the staged copy now.
    assert (references.read(line, STAGED_SLOT, held.shape) == held).all()


def test_state_and_errors(device, network, images):
    info = device.info
    assert (info.inputs, info.outputs, info.timesteps, info.slots, info.buffer_bytes) == (
        64,
        12,
        6,
        SLOTS,
        256,
    )
    (answer,) = device.classify(images[0])
    device.threshold = answer.distance
    assert next(device.classify(images[0])).same
    device.threshold = answer.distance - 1
    assert not next(device.classify(images[0])).same
    device.threshold = network.verify_threshold
    device.reset()
    assert device.stats().frames == 0
    list(device.classify_events([np.array([7, *[0x8000] * 6], np.uint16), np.array([99, *[0x8000] * 6])]))
    stats = device.stats()
    assert (stats.frames, stats.errors, stats.weights_loaded) == (2, ("address_range",), True)
    for call, words in (
        (lambda: device.verify(SLOTS, images[0]), r"slot = 13 is not allowed: expected an integer in 0..12"),
        (lambda: device.enrol(0, 0xFFFF, images[0]), r"label = 65535 is not allowed"),
        (lambda: device.classify(images[0, :7]), r"images = .* is not allowed: expected uint8 \[B, 8, 8\]"),
        (lambda: device.classify(images[0], pixels=True), r"no encoder on the chip"),
    ):
        with pytest.raises(TwinspikeError, match=words):
            list(call())


def test_weights_over_the_link(board, plan, network, images, monkeypatch):
    monkeypatch.setattr(weights, "LOADING_SECONDS", 0.1)
    wanted = [record(SiameseCore(network, SLOTS).frame(c)) for c in counts_of(network, images[:10])]
    good = weight_image(plan)
    damaged = [*good]
    damaged[HEADER_WORDS + 100] ^= 1 << 7
    # The same network and length, but in words of another width.
    other_lanes = weight_image(make_plan(network, (8, 2), "up5k"))
    assert len(other_lanes) == len(good) and other_lanes != good
    with Device.open(board.port, network=network) as device:
        for bad, why in (
            (damaged, "its image is damaged"),
            (good[:-20], "its image is damaged"),
            (other_lanes, "its image is none for this network"),
        ):
            device.load_weights(good)
            assert [record(a) for a in device.classify(images[:10])] == wanted
            with pytest.raises(DeviceError, match=f"the device refuses the weights: {why}"):
                device.load_weights(bad)
            assert not device.stats().weights_loaded
            with pytest.raises(DeviceError, match=f"the core has no weights: {why}"):
                next(device.classify(images[0]))
        # A program that sends a frame all the same gets no answer.
        with pytest.raises(DeviceError, match="the core did not take the words or gave no result in time"):
            device._channel.request(Op.EVENTS, bytes((5, *[STEP_ENDS] * 6)))
        device.load_weights(good)
        with pytest.raises(DeviceError, match="the core did not take the words"):
            next(device.classify(images[0]))
    # Opening again resets the core; the weights stay.
    with Device.open(board.port, network=network) as device:
        assert device.stats().weights_loaded
        assert [record(a) for a in device.classify(images[:10])] == wanted
        device.info = dataclasses.replace(device.info, loads=False)
        with pytest.raises(DeviceError, match="has its weights in the bitstream"):
            device.load_weights(good)


def test_a_reset_without_weights_loads_them_from_the_flash(board, plan, network, images):
    with Device.open(board.port, network=network) as device:
        with pytest.raises(DeviceError, match="refuses the weights"):
            device.load_weights([1, 2, 3])
        device.reset()
        counts = counts_of(network, images[:3])
        wanted = [record(SiameseCore(network, SLOTS).frame(c)) for c in counts]
        assert [record(a) for a in device.classify(images[:3])] == wanted


def test_check_compares_everything_and_notices_another_reference(device, network, images):
    classes = [NewClass(100 + at, images[50 + 5 * at : 55 + 5 * at]) for at in range(3)]
    checked = check_device(device, network, images[:20], classes)
    # Classified thrice, embedded; three enrolled, read back twice (three facts each), given a threshold and
    # verified.
    assert checked.compared == 3 * 20 + 4 + 3 * (1 + 1 + 2 * 3 + 4) and checked.different == 0
    assert set(checked.labels) == {1, 5} and len(checked.same) == 3
    assert [device.reference(slot)[1] for slot in range(SLOTS)] == [True] * 10 + [False] * 3
    own = network.references
    device.write_reference(0, int(own.labels[0]), counts_of(network, images[:1])[0])
    spoilt = check_device(device, network, images[:5], classes[:1])
    assert spoilt.different and spoilt.first.startswith("classified 0: ")
    device.write_reference(0, int(own.labels[0]), own.counts[0].astype(np.int64))


def test_what_was_enrolled_before_takes_part_in_the_check_and_stays(device, network, images):
    device.enrol(10, 42, images[7], threshold=9)
    device.enrol(12, 43, images[8])
    held = [(device.read_reference(slot).tolist(), device.slots()[slot]) for slot in (10, 12)]
    checked = check_device(device, network, images[:20], [NewClass(100, images[50:55])])
    assert checked.compared and checked.different == 0, checked.first
    assert [(device.read_reference(slot).tolist(), device.slots()[slot]) for slot in (10, 12)] == held


def test_another_example_of_a_class_is_no_impostor(device, network, images):
    device.enrol(10, 42, images[7])
    alone = device.fit_threshold(10, images[7][None])
    device.enrol(11, 42, images[7])
    assert device.fit_threshold(11, images[7][None]) == alone


def test_the_command_line(board, network, tmp_path, capsys):
    network.save(tmp_path / "here" / "network.safetensors")
    (tmp_path / "here.toml").write_text(
        "timesteps = 6\n[encoder]\nkind = 'latency'\nthreshold = 10\n"
        "[[layers]]\nneurons = 144\n[[layers]]\nneurons = 12\n"
    )
    common = ["--port", board.port, "--out", str(tmp_path), "--config", str(tmp_path / "here.toml")]

    def said(*words):
        assert main(["device", *words, *common]) == 0
        return capsys.readouterr().out

    assert f"network hash        {network.content_hash[:16]}" in said("info")
    assert "0 differ (" not in (checked := said("check", "--frames", "10")) and " 0 differ;" in checked
    assert "slot 12 holds image 3 (a digit-" in said("enrol", "--slot", "12", "--label", "9", "--image", "3")
    lines = said("verify", "--slot", "12", "--frames", "2", "--image", "3").splitlines()
    assert lines[0].endswith("same, 0") and len(lines) == 2
    assert "of 5 right" in (answers := said("classify", "--frames", "5"))
    assert re.search(r"image 0: digit-(\d) \(label \1\) \(truth digit-\d\), distance ", answers)
    assert "│ events " in (table := said("bench", "--frames", "20")) and "│ –" in table
    assert "words loaded" in said("load")
    assert "slot 12 is free" in said("clear", "--slot", "12", "--replace")


def test_slots_from_the_command_line(board, network, tmp_path, capsys):
    network.save(tmp_path / "here" / "network.safetensors")
    (tmp_path / "here.toml").write_text(
        "timesteps = 6\n[encoder]\nkind = 'latency'\nthreshold = 10\n"
        "[[layers]]\nneurons = 144\n[[layers]]\nneurons = 12\n"
    )
    common = ["--port", board.port, "--out", str(tmp_path), "--config", str(tmp_path / "here.toml")]

    def said(*words, fails=False):
        assert main(["device", *words, *common]) == (2 if fails else 0)
        found = capsys.readouterr()
        return found.err if fails else found.out

    assert "3 of 13 slots free" in said("list")
    text = said("enrol", "--label", "700", "--image", "3")
    assert "slot 10 is free: it is taken" in text and "slot 10 holds image 3" in text
    for label in ("star", "-1", "65535"):
        refused = said("enrol", "--label", label, fails=True)
        assert f"'{label}' is not an integer in 0..65534" in refused
    assert main(["device", "enrol", "--label", "1", "--image", "nope.png", *common]) == 2
    found = capsys.readouterr()
    assert "nope.png" in found.err and not found.out
    more = ("--image", "4", "--image", "5", "--image", "6")
    assert "slot 11 holds the median of image 4" in said("enrol", "--label", "701", *more)
    with Device.open(board.port, network=network) as device:
        spikes = [s for s, _ in device.embed(load_dataset("digits").test_images[4:7])]
        median = emd.median_reference(emd.cumulative_counts(np.stack(spikes, axis=1)))
        assert (device.read_reference(11) == median).all()
        held = device.read_reference(10)
        slots = device.slots()
        counts = emd.cumulative_counts(np.stack(spikes, axis=1))
        own = emd.distances(counts, median[None])[:, 0]
        others = [int(emd.emd(device.read_reference(k), median)) for k in range(11)]
        assert slots[11].threshold == enrolled_threshold(own, np.array(others), device.threshold)
        assert slots[9].threshold is None and not slots[12].holds
    assert f"│ 11   │ 701   │ {slots[11].threshold} " in said("list")
    # A reference is given up only by who says so; no terminal is there to ask.
    refused = said("enrol", "--label", "9", "--slot", "10", "--image", "8", fails=True)
    assert "slot 10 holds label 700: give --replace to replace it" in refused
    with Device.open(board.port) as device:
        assert device.reference(10) == (700, True) and (device.read_reference(10) == held).all()
    assert "slot 10 holds image 8" in said(
        "enrol", "--label", "9", "--slot", "10", "--image", "8", "--replace"
    )
    said("enrol", "--label", "702", "--image", "9")
    assert "all 13 slots hold references" in said("enrol", "--label", "703", "--image", "9", fails=True)
    assert "slot 10 holds label 9: give --replace to empty it" in said("clear", "--slot", "10", fails=True)
    for slot in ("10", "11", "12"):
        said("clear", "--slot", slot, "--replace")
    assert "clear: name a slot" in said("clear", fails=True)


def test_what_cannot_be_opened(board):
    with pytest.raises(DeviceError, match=r"the core was made from network [0-9a-f]{16}, but tiny is"):
        Device.open(board.port, network=random_network(4))
    with pytest.raises(LinkError, match=r"/dev/nothing: cannot be opened"):
        Device.open("/dev/nothing")
    with pytest.raises(LinkError, match=r"board-1: there is no such port: sim-board, .* is still building"):
        Device.open("board-1")


class Faulty:
    """A serial line that flips bits, drops and duplicates bytes, both ways, one in `rate`."""

    def __init__(self, port, rng, rate):
        self._line = serial.Serial(port, 115200, timeout=0.01)
        self._rng, self._rate = rng, rate
        self.faults = 0

    def _hurt(self, data):
        out = bytearray()
        for byte in data:
            fault = int(self._rng.integers(3)) if self._rng.random() * self._rate < 1 else None
            self.faults += fault is not None
            match fault:
                case 0:
                    out.append(byte ^ 1 << int(self._rng.integers(8)))
                case 1:
                    pass
                case 2:
                    out += bytes((byte, byte))
                case None:
                    out.append(byte)
        return bytes(out)

    @property
    def in_waiting(self):
        return self._line.in_waiting

    def read(self, size=1):
        return self._hurt(self._line.read(size))

    def write(self, data):
        self._line.write(self._hurt(data))

    def close(self):
        self._line.close()


@pytest.mark.parametrize("seed", range(3))
def test_faults_of_the_line_never_give_a_wrong_answer(board, network, images, seed):
    rng = np.random.default_rng(seed)
    line = Faulty(board.port, rng, 150)
    golden = SiameseCore(network, SLOTS)
    counts = counts_of(network, images[:100])
    with Device.over(line, "faulty", network=network, timeout=0.15, retries=100) as device:
        base = device.stats().frames
        answers = [record(a) for a in device.classify(images[:80])]
        answers += [record(device.enrol(10, 99, images[80]))]
        answers += [record(a) for a in device.classify(images[81:100])]
        # Each frame was computed once, however often it was sent.
        assert device.stats().frames - base == 100
        assert device.traffic.repeated and line.faults > 20
        device.clear(10)
    assert answers[:81] == [record(golden.frame(c)) for c in counts[:81]]
    golden.command(ENROL)
    golden.frame(counts[80])
    golden.command(COMMIT | 10 << 8 | 99 << 16)
    golden.command(0)
    assert answers[81:] == [record(golden.frame(c)) for c in counts[81:]]


def test_hosts_that_die_leave_a_device_that_answers(board, network, images):
    wanted = [record(SiameseCore(network, SLOTS).frame(c)) for c in counts_of(network, images[:8])]
    whole = frame(0, Op.EVENTS, bytes(range(60)))
    for cut, stop in itertools.product((1, 5, 30, len(whole) - 1), (2, 6)):
        with Device.open(board.port, network=network) as device:
            list(
                itertools.islice(device.classify(images[:8]), stop)
            )  # answers to the others are on their way
        with contextlib.closing(serial.Serial(board.port, 115200)) as line:
            line.write(bytes((FLAG,)) + whole[:cut])  # killed in mid-frame
        with Device.open(board.port, network=network) as device:
            assert [record(a) for a in device.classify(images[:8])] == wanted


def test_a_port_that_vanishes_is_one_line(board, network, images):
    device = Device.open(board.port, network=network)
    answers = device.classify(images[:50])
    next(answers)
    device.close()
    with pytest.raises(LinkError, match=r"the port is gone .*: plug it in and open it again"):
        list(answers)
    silent = serial.serial_for_url("loop://", timeout=0.01)
    with pytest.raises(LinkError, match=r"no twinspike device answers: check that the board is programmed"):
        Device.over(silent, "loop", timeout=0.05, retries=1)
