"""The ingress: whatever comes in, frames of exactly T steps go out, and errors are flagged and stay so."""

import functools

from amaranth.hdl import Const, Mux, Signal

from formal.bench import Bench, packed
from formal.mutation import Mutant
from formal.proof import Proof
from twinspike.hw.core.ingress import ERRORS, Ingress

# The flags that follow from one word and the step that it comes in.
CAUSES = ("address_range", "early_last", "missing_last")
assert tuple(name for name, _ in ERRORS[: len(CAUSES)]) == CAUSES


def _ingress(inputs: int, timesteps: int, cleared: bool) -> tuple[Bench, Ingress]:
    b = Bench()
    b.m.submodules.dut = dut = Ingress(inputs, timesteps)
    b.m.d.comb += [
        dut.i.p.data.eq(b.free(16, "data")),
        dut.i.p.last.eq(b.free(1, "last")),
        dut.i.valid.eq(b.free(1, "valid")),
        dut.o.ready.eq(b.free(1, "ready")),
    ]
    if cleared:
        b.m.d.comb += dut.clear.eq(b.free(1, "clear"))
    return b, dut


def frames(inputs: int, timesteps: int, address_bits: int) -> Bench:
    """Against the rules of the format, applied to the words as they come in; addresses of some bits."""
    b, dut = _ingress(inputs, timesteps, cleared=False)
    m, i, o = b.m, dut.i, dut.o
    b.assume(i.p.data[address_bits:15] == 0)
    step, seen = Signal(range(timesteps)), Signal(len(CAUSES))
    address, tick = i.p.data[:15], i.p.data[15]
    sound = tick | (address < inputs)
    final = tick & (step == timesteps - 1)
    early, missing = i.p.last & ~final, ~i.p.last & final
    taken = i.valid & i.ready
    # An early end supplies the TICKs that the frame lacks.
    supplied = Mux(early, timesteps - step - tick, 0)
    with m.If(taken):
        m.d.sync += [
            step.eq(Mux(i.p.last | final, 0, step + tick)),
            seen.eq(seen | packed(~sound, early, missing)),
        ]
    width = len(o.p.address)
    expected = []
    for k in range(timesteps + 1):
        first = packed(Mux(tick, 0, address[:width]), tick, final) if k == 0 else 0
        pad = k - sound
        ends = step + tick + pad == timesteps - 1
        expected.append(Mux(sound & (k == 0), first, packed(Const(0, width), Const(1, 1), ends)))
    # The address of a TICK means nothing, nor does `last` beside an address.
    meaning = packed(Mux(o.p.tick, 0, o.p.address), o.p.tick, o.p.tick & o.p.last)
    due = b.in_order(
        pushed=Mux(taken, sound + supplied, 0),
        expected=expected,
        popped=o.valid & o.ready,
        payload=meaning,
        most=3 * (timesteps + 1),
    )
    b.offered_stays(o.valid, o.ready, meaning)
    b.comes_within(3, o.valid, when=due != 0)
    # A flag is never raised without cause, and every cause is flagged by the time the stream is quiet.
    flags = dut.errors[: len(seen)]
    b.holds((flags & ~seen) == 0)
    quiet = Signal(range(5))
    m.d.sync += quiet.eq(Mux(taken | (due != 0), 0, Mux(quiet == 4, 4, quiet + 1)))
    b.holds(flags == seen, when=quiet == 4)
    return b


def sticky(inputs: int, timesteps: int) -> Bench:
    """A flag stays until `clear`, which lowers those of which no new cause comes in that clock."""
    b, dut = _ingress(inputs, timesteps, cleared=True)
    kept = b.past(Mux(dut.clear, 0, dut.errors))
    b.holds((kept & ~dut.errors) == 0)
    idle = Signal(range(8))
    busy = dut.i.valid | dut.o.valid
    b.m.d.sync += idle.eq(Mux(busy, 0, Mux(idle == 7, 7, idle + 1)))
    b.holds(dut.errors == 0, when=b.past(dut.clear) & (idle == 7))
    return b


PROOFS = [
    *(
        Proof(
            "ingress",
            f"frames and flags ({inputs} inputs, T = {timesteps}, {bits} address bits)",
            functools.partial(frames, inputs, timesteps, bits),
            (
                Mutant("core.ingress", "data[:15] < self._inputs", "data[:15] <= self._inputs"),
                Mutant("core.ingress", "with m.If(early):", "with m.If(early & ~is_tick):"),
                Mutant("core.ingress", "m.d.sync += [step.eq(0), padding.eq(0)]", "m.d.sync += step.eq(0)"),
                Mutant("core.ingress", "~(is_tick & final)", "~final"),
                Mutant("core.ingress", "i.ready.eq(~padding & (o.ready", "i.ready.eq((o.ready"),
            )[0 if timesteps > 1 else 4 :],
        )
        for inputs, timesteps, bits in ((300, 1, 15), (3, 2, 3), (1, 3, 2))
    ),
    Proof(
        "ingress",
        "error flags stay until cleared, and can be cleared",
        functools.partial(sticky, 3, 2),
        (
            Mutant("core.ingress", "with m.If(self.clear):", "with m.If(self.clear | self.i.valid):"),
            Mutant("core.ingress", "m.d.sync += self.errors.eq(0)", "m.d.sync += self.errors[0].eq(0)"),
        ),
    ),
]
