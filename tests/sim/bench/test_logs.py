import dataclasses

import numpy as np
import pytest
from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import TICK, frame_words
from twinspike.sim import golden
from twinspike.sim.bench.bench import bench_source, log_name, streams
from twinspike.sim.bench.logs import compare, integers, observe, read_log

FRAMES = 3


def test_logs_are_columns_of_cycles_and_bits(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("         0 0a1\n        17 fff\n1234567890 001\n")
    cycles, bits = read_log(log)
    assert cycles.tolist() == [0, 17, 1_234_567_890]
    assert integers(bits).tolist() == [0x0A1, 0xFFF, 1]
    log.write_text("")
    assert [len(part) for part in read_log(log)] == [0, 0]


@pytest.mark.parametrize("text", ["         0 0a1\n        17 f", "         0"])
def test_a_torn_log_is_refused(tmp_path, text):
    (tmp_path / "a.log").write_text(text)
    with pytest.raises(TwinspikeError, match=r"a\.log: the log is torn: run the simulation again"):
        read_log(tmp_path / "a.log")


@pytest.mark.parametrize("digit", ["x", "X", "z"])
def test_an_undefined_value_is_refused_with_its_line(tmp_path, digit):
    (tmp_path / "a.log").write_text(f"         0 0a1\n        17 f{digit}f\n")
    with pytest.raises(TwinspikeError, match=r"a\.log: line 2 holds an undefined value"):
        read_log(tmp_path / "a.log")


@pytest.fixture
def logged(tmp_path):
    """Logs of a run without a fault, as the bench would write them: (plan, trace, folder)."""
    plan = make_plan(random_network(8, timesteps=4, widths=(5, 3)), (2, 3))
    spikes = np.random.default_rng(0).random((4, FRAMES, plan.network.inputs)) < 0.5
    trace = golden.run(plan.network, spikes)
    for index, layer in enumerate(plan.layers):
        word_bits, lines = max(layer.words - 1, 1).bit_length(), []
        for frame in range(FRAMES):
            for t in range(4):
                mask = layer.padded(trace.spikes[index][t, frame])
                for w in range(layer.words):
                    bits = sum(int(b) << j for j, b in enumerate(mask[w]))
                    end = w == layer.words - 1
                    if bits or end:
                        bits |= w << layer.lanes | end << layer.lanes + word_bits
                        bits |= (t == 3) << layer.lanes + word_bits + 1
                        lines.append(f"{7:10d} {bits:02x}\n")
        (tmp_path / log_name(0, f"layer{index}")).write_text("".join(lines))
    words = [frame_words(trace.spikes[-1][:, frame]) for frame in range(FRAMES)]
    lines = [
        f"{9:10d} {int(w) | int(end) << 16:05x}\n" for pair in words for w, end in zip(*pair, strict=True)
    ]
    (tmp_path / log_name(0, "spikes")).write_text("".join(lines))
    r = trace.results
    rows = zip(*(getattr(r, f).tolist() for f in ("same", "label", "runner_up", "distance")), strict=True)
    lines = [f"{20 + i:10d} {s << 80 | a << 64 | b << 32 | c:024x}\n" for i, (s, a, b, c) in enumerate(rows)]
    (tmp_path / log_name(0, "result")).write_text("".join(lines))
    (tmp_path / log_name(0, "start")).write_text("".join(f"{i:10d} 0000\n" for i in range(FRAMES)))
    (tmp_path / log_name(0, "fault")).write_text("       123 a1\n")
    return plan, trace, tmp_path


def test_what_was_logged_comes_back(logged):
    plan, trace, folder = logged
    seen = observe(plan, folder, 0, FRAMES)
    size = sum(s.size for s in trace.spikes) + trace.spikes[-1].size
    assert compare(trace, seen) == (size, 0, None)
    assert (seen.started.tolist(), seen.finished.tolist()) == ([0, 1, 2], [20, 21, 22])
    assert seen.faults == [(123, 0xA1)]


def test_the_first_difference_is_named_and_all_are_counted(logged):
    plan, trace, folder = logged
    seen = observe(plan, folder, 0, FRAMES)
    seen.layers[1][2, 1, 0] ^= True
    seen.layers[0][3, 2, 4] ^= True
    seen.layers[0][1, 2, 3] ^= True
    seen.axis[0, 0, 0] ^= True
    results = dataclasses.replace(seen.results, label=seen.results.label + np.array([0, 1, 0]))
    _, wrong, first = compare(trace, dataclasses.replace(seen, results=results))
    assert wrong == 5
    was = int(trace.spikes[0][1, 2, 3])
    assert dataclasses.astuple(first) == (2, 1, 0, 3, was, 1 - was)
    assert str(first).endswith(f"= (2, 1, 0, 3, {was}, {1 - was})")


def test_a_wrong_result_alone_is_a_mismatch(logged):
    plan, trace, folder = logged
    seen = observe(plan, folder, 0, FRAMES)
    results = dataclasses.replace(seen.results, distance=seen.results.distance + np.array([0, 0, 1]))
    _, wrong, first = compare(trace, dataclasses.replace(seen, results=results))
    assert (wrong, first.frame, first.layer, first.got - first.golden) == (1, 2, "result.distance", 1)


@pytest.mark.parametrize(
    ("stream", "change", "reason"),
    [
        ("result", lambda lines: lines[:-1], "result.log holds 2 results, expected 3"),
        ("start", lambda lines: lines[:-1], "start.log holds 2 frames, expected 3"),
        ("layer0", lambda lines: lines[:-1], "layer0.log holds 11 steps, expected 12"),
        ("spikes", lambda lines: lines[:-1], "spikes.log holds 11 TICKs, expected 12"),
        ("spikes", lambda lines: [*lines[:-1], f"{9:10d} {TICK:05x}\n"], "tlast is not on the T-th TICK"),
        ("spikes", lambda lines: [f"{9:10d} 00003\n", *lines], "address 3 is beyond the 3 outputs"),
        ("spikes", lambda lines: [*lines, f"{9:10d} 00001\n"], "an event follows the last frame's last TICK"),
    ],
)
def test_logs_that_hold_something_else_are_refused(logged, stream, change, reason):
    plan, _, folder = logged
    log = folder / log_name(0, stream)
    log.write_text("".join(change(log.read_text().splitlines(keepends=True))))
    with pytest.raises(TwinspikeError, match=reason):
        observe(plan, folder, 0, FRAMES)


def test_the_bench_is_filled_in_whole(logged):
    plan, _, _ = logged
    source = bench_source(plan)
    assert "@" not in source.replace("always @(posedge clk)", "")
    assert streams(plan) == ["start", "spikes", "result", "fault", "layer0", "layer1"]
    assert all(f"log_{name} = $fopen" in source for name in streams(plan))
    assert "s_load" not in source and "assign loaded = 1'b1;" in source
