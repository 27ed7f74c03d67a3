"""The whole core in Amaranth's simulator under hostile input: the next sound frame is right all the same."""

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from support.ingress import reference
from support.networks import random_network
from support.streams import bench

from twinspike.hw.core import Core
from twinspike.hw.plan import make_plan
from twinspike.hw.readout.result import RESULT
from twinspike.numerics.events import TICK, frame_words
from twinspike.numerics.ingress import LAST
from twinspike.sim.golden import run

T = 3


@pytest.fixture(scope="module")
def plan():
    return make_plan(random_network(6, timesteps=T, shape=(5,), widths=(6, 4), classes=3), (2, 3))


def words_of(spikes):
    """[T, N] -> list of {last, word}."""
    words, last = frame_words(spikes)
    return [int(w) | int(end) << 16 for w, end in zip(words, last, strict=True)]


def expected(plan, words):
    """Results and m_axis words of the frames that a well-formed or hostile word list means."""
    events, flags = reference(words, plan.network.inputs, T)
    spikes, step = np.zeros((T, 64, plan.network.inputs), bool), 0
    for address, _ in events:
        if address is None:
            step += 1
        else:
            spikes[step % T, step // T, address] = True
    assert step % T == 0
    trace = run(plan.network, spikes[:, : step // T])
    out = [word for b in range(step // T) for word in words_of(trace.spikes[-1][:, b])]
    return (
        list(zip(*(getattr(trace.results, name).tolist() for name in RESULT_FIELDS), strict=True)),
        out,
        flags,
    )


RESULT_FIELDS = ("distance", "runner_up", "label", "same")


def through(plan, words, *, rng=None, stall=0.0, resets=()):
    """Send `words`; at each clock of `resets` the core is reset and `words` starts again from the top.

    Returns (results, m_axis words, error flags) seen since the last reset.
    """
    core, reset = Core(plan), Signal()
    results, out, flags = [], [], 0
    wanted = expected(plan, words)

    async def testbench(ctx):
        nonlocal flags
        queue, offered, clock, idle = list(words), False, 0, 0
        while idle < 80:
            resetting = clock in resets
            ctx.set(reset, resetting)
            if resetting:
                queue, offered = list(words), False
                results.clear()
                out.clear()
            offered = not resetting and bool(queue) and (offered or not (rng and rng.random() < stall))
            if queue:
                ctx.set(core.s_axis_tdata, queue[0] & 0xFFFF)
                ctx.set(core.s_axis_tlast, queue[0] >> 16)
            ctx.set(core.s_axis_tvalid, offered)
            ready = [not resetting and not (rng and rng.random() < stall) for _ in range(2)]
            ctx.set(core.m_axis_tready, ready[0])
            ctx.set(core.m_result_tready, ready[1])
            if offered and ctx.get(core.s_axis_tready):
                queue.pop(0)
                offered = False
            if ctx.get(core.m_axis_tvalid) and ready[0]:
                out.append(ctx.get(core.m_axis_tdata) | ctx.get(core.m_axis_tlast) << 16)
            if ctx.get(core.m_result_tvalid) and ready[1]:
                record = ctx.get(core.m_result_tdata)
                fields = (RESULT[name] for name in RESULT_FIELDS)
                results.append(tuple(record >> f.offset & (1 << f.width) - 1 for f in fields))
            flags = ctx.get(core.error_flags)
            done = not queue and clock > max(resets, default=0) and len(results) >= len(wanted[0])
            idle = idle + 1 if done else 0
            clock += 1
            assert clock < 20_000, (results, out)
            await ctx.tick()
        assert ctx.get(core.network_hash) == int(plan.network.content_hash[:16], 16)

    bench(ResetInserter(reset)(core), testbench)
    return results, [w if not w & TICK else w & (LAST | TICK) for w in out], flags


def joined(frames):
    return [word for frame in frames for word in frame]


def frames_of(plan, seed, count):
    rng = np.random.default_rng(seed)
    return [words_of(rng.random((T, plan.network.inputs)) < 0.5) for _ in range(count)]


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_sound_frames_give_golden_results_and_no_flags(plan, stall):
    words = joined(frames_of(plan, 1, 5))
    assert through(plan, words, rng=np.random.default_rng(2), stall=stall) == expected(plan, words)
    assert expected(plan, words)[2] == 0


@pytest.mark.parametrize("seed", range(8))
def test_frames_around_damaged_ones_are_right(plan, seed):
    rng = np.random.default_rng(seed)
    first, broken, *rest = frames_of(plan, seed, 4)
    for _ in range(int(rng.integers(1, 4))):
        match rng.integers(4):
            case 0:
                broken.insert(int(rng.integers(len(broken))), int(rng.integers(plan.network.inputs, 0x8000)))
            case 1:
                broken.insert(0, int(rng.integers(plan.network.inputs, 0x8000)) | LAST)
            case 2:
                broken[int(rng.integers(len(broken) - 1))] |= LAST
            case _:
                broken[-1] &= ~LAST
    words = [*first, *broken]
    # Whatever the damage was, the source's next tlast ends the frame; sound frames follow.
    if expected_ticks(plan, words) % T or not words[-1] & LAST:
        words.append(LAST | 0)
    words += joined(rest)
    results, out, flags = through(plan, words, rng=rng, stall=0.3)
    wanted = expected(plan, words)
    assert (results, out, flags) == wanted
    assert flags
    assert results[-2:] == expected(plan, joined(rest))[0]


def expected_ticks(plan, words):
    return sum(address is None for address, _ in reference(words, plan.network.inputs, T)[0])


@pytest.mark.parametrize("seed", range(6))
def test_reset_in_mid_frame_leaves_nothing_behind(plan, seed):
    rng = np.random.default_rng(seed)
    words = joined(frames_of(plan, seed, 2))
    resets = sorted(int(c) for c in rng.choice(np.arange(2, 220), 3, replace=False))
    assert through(plan, words, resets=resets) == expected(plan, words)
