import numpy as np
import pytest
from support.streams import bench, value

from twinspike.hw.layers.queue import STEPS_IN_FLIGHT, MaskQueue, WordQueue


def drive(words, steps, seed, stall):
    """Write `steps` steps by the rules (begin only with room), read with stalls; returns what came out.

    The words of a sweep follow its `begin` by some clocks, as they do behind the neurons.
    """
    rng = np.random.default_rng(seed)
    dut = MaskQueue(4, words)
    masks = rng.integers(0, 16, (steps, words)) * (rng.random((steps, words)) < 0.6)
    sent, got, most = [], [], 0

    async def testbench(ctx):
        nonlocal most
        pending, step, clock, wait, held, inside = [], 0, 0, 0, None, 0
        while len(got) < len(sent) or step < steps or pending:
            room = ctx.get(dut.room)
            begin = bool(step < steps and room and not pending and not wait)
            ctx.set(dut.begin, begin)
            ctx.set(dut.spikes_valid, 0)
            if begin:
                entries = [
                    {"mask": int(mask), "word": w, "end": w == words - 1, "last": step % 2}
                    for w, mask in enumerate(masks[step])
                ]
                pending, wait, step = entries, 6, step + 1
                inside += 1
                most = max(most, inside)
            elif wait:
                wait -= 1
            elif pending:
                entry = pending.pop(0)
                ctx.set(dut.spikes, entry)
                ctx.set(dut.spikes_valid, 1)
                bits = entry["mask"] | entry["word"] << 4
                width = max(words - 1, 1).bit_length()
                full = bits | entry["end"] << 4 + width | entry["last"] << 5 + width
                if entry["mask"] or entry["end"]:
                    sent.append((clock, full))
            ready = rng.random() >= stall
            ctx.set(dut.o.ready, ready)
            out = value(ctx.get(dut.o.payload)) if ctx.get(dut.o.valid) else None
            assert held is None or out == held
            if out is not None and ready:
                got.append((clock, out))
                inside -= bool(out >> 4 + max(words - 1, 1).bit_length() & 1)
            held = out if out is not None and not ready else None
            clock += 1
            assert clock < 20_000
            await ctx.tick()
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.spikes_valid, 0)
        await ctx.tick().repeat(4)
        assert not ctx.get(dut.o.valid)
        assert ctx.get(dut.room)

    bench(dut, testbench)
    return sent, got, most


@pytest.mark.parametrize("words", [1, 2, 3, 7])
@pytest.mark.parametrize("stall", [0.3, 0.9])
def test_used_by_its_rules_it_never_loses_a_word(words, stall):
    sent, got, most = drive(words, 30, seed=words, stall=stall)
    assert [word for _, word in got] == [word for _, word in sent]
    # A slow reader fills it, and room then keeps the third step out.
    assert most == STEPS_IN_FLIGHT if stall > 0.5 else most <= STEPS_IN_FLIGHT


def test_latency_is_three_clocks():
    sent, got, _ = drive(3, 5, seed=1, stall=0.0)
    assert [clock for clock, _ in got] == [clock + 3 for clock, _ in sent]


@pytest.mark.parametrize(("words", "depth"), [(9, 32), (20, 64), (300, 256)])
def test_with_room_counted_in_words_a_sweep_pauses_and_loses_none(words, depth):
    """A word comes 7 clocks after it was asked for with room; now and then the reader falls asleep."""
    rng, dut = np.random.default_rng(words), WordQueue(4, words)
    assert depth == 1 << dut.index_bits(words)
    sent, got, inside, most, paused = [], [], 0, 0, 0

    async def testbench(ctx):
        nonlocal inside, most, paused
        asked, awake = [None] * 7, True
        for clock in range(12 * depth):
            room = ctx.get(dut.room)
            paused += not room
            fresh = int(rng.integers(1, 16)) if room and clock < 11 * depth else None
            word, asked = asked[0], [*asked[1:], fresh]
            ctx.set(dut.spikes, {"mask": word or 0, "word": clock % words, "end": clock % 3 == 0, "last": 0})
            ctx.set(dut.spikes_valid, word is not None)
            if word is not None:
                sent.append((word, clock % words))
                inside += 1
                most = max(most, inside)
            awake = awake if rng.random() < 0.98 else rng.random() < 0.5
            ready = awake or clock >= 11 * depth
            ctx.set(dut.o.ready, ready)
            if ready and ctx.get(dut.o.valid):
                out = ctx.get(dut.o.payload)
                got.append((out.mask, out.word))
                inside -= 1
            await ctx.tick()

    bench(dut, testbench)
    assert got == sent and len(sent) > 2 * depth
    # One is registered before the memory; all of which it holds was needed.
    assert paused and depth <= most <= depth + 1
