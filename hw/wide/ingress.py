"""From the external stream to beats: well-formed frames of T steps, several events per clock."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..core.ingress import ERRORS
from ..parts.skid import Skid
from ..plan import CorePlan
from ..plan.wide import bank_rows
from .beats import beat_layout, tick_gate


def port_layout(banks: int) -> data.StructLayout:
    """Beat of the external port: E event words, which of them are used, and the frame's end."""
    return data.StructLayout({"words": data.ArrayLayout(16, banks), "keep": banks, "last": 1})


class WideIngress(wiring.Component):
    """Checks beats of E event words and makes every frame exactly T steps long.

    Place b of a beat may hold an address a with a mod E = b; the TICK may stand in any place, and ends
    the step after all addresses of its beat. Anything else is dropped and flagged. A TICK is taken
    3 clocks after the one before at the earliest, and when there is `room` for its spikes; all else
    at one beat per clock. Latency 2 clocks from `i` to `beat`.

    Members: `i` (In stream of beats), `beat` (Out, see beat_layout), `tick` (Out: a TICK enters the
    layer), `room` (In), `errors` (Out, sticky, see ERRORS; duplicates are not noticed here), `clear` (In).
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        self._first = plan.layers[0]
        super().__init__(
            {
                "i": In(stream.Signature(port_layout(self._first.events_per_clock))),
                "beat": Out(beat_layout(self._first)),
                "tick": Out(1),
                "room": In(1),
                "errors": Out(len(ERRORS)),
                "clear": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        first, banks = self._first, self._first.events_per_clock
        row = range(bank_rows(first))
        # Rows and checks are computed on the way into the buffer, away from its handshake.
        m.submodules.buffer = buffer = Skid(
            data.StructLayout({"row": data.ArrayLayout(row, banks), "tick": 1, "last": 1, "wrong": 1})
        )
        ticks, wrong = [], []
        shift = banks.bit_length() - 1
        for place in range(banks):
            word, used = self.i.p.words[place], self.i.p.keep[place]
            address = word[:15]
            own = address[:shift] == place if shift else 1
            sound = used & ~word[15] & (address < first.inputs) & own
            m.d.comb += buffer.i.p.row[place].eq(Mux(sound, address[shift:] + 1, 0))
            ticks.append(used & word[15])
            wrong.append(used & ~word[15] & ~sound)
        # A second TICK in a beat would end a step that nobody saw begin.
        extra = Cat(ticks[b] & Cat(ticks[:b]).any() for b in range(1, banks)).any() if banks > 1 else 0
        m.d.comb += [
            buffer.i.p.tick.eq(Cat(ticks).any()),
            buffer.i.p.last.eq(self.i.p.last),
            buffer.i.p.wrong.eq(Cat(wrong).any() | extra),
            buffer.i.valid.eq(self.i.valid),
            self.i.ready.eq(buffer.i.ready),
        ]

        i = buffer.o
        step, padding, final = Signal(range(self._plan.network.timesteps)), Signal(), Signal()
        go, taken = Signal(), Signal()
        may_tick = tick_gate(m, self.tick, self.room)
        m.d.comb += [
            final.eq(step == self._plan.network.timesteps - 1),
            i.ready.eq(~padding & (~i.p.tick | may_tick)),
            taken.eq(i.valid & i.ready),
            go.eq(padding & may_tick | taken & i.p.tick),
            self.tick.eq(go),
        ]
        m.d.sync += [self.beat.tick.eq(go), self.beat.last.eq(final)]
        for place in range(banks):
            m.d.sync += self.beat.row[place].eq(Mux(taken, i.p.row[place], 0))
        with m.If(go):
            m.d.sync += step.eq(step + 1)
            with m.If(final):
                m.d.sync += [step.eq(0), padding.eq(0)]
        early, missing = Signal(), Signal()
        m.d.comb += [
            early.eq(taken & i.p.last & ~(i.p.tick & final)),
            missing.eq(taken & ~i.p.last & i.p.tick & final),
        ]
        with m.If(early):
            m.d.sync += padding.eq(1)
        with m.If(self.clear):
            m.d.sync += self.errors.eq(0)
        for bit, event in enumerate((taken & i.p.wrong, early, missing)):
            with m.If(event):
                m.d.sync += self.errors[bit].eq(1)
        return m
