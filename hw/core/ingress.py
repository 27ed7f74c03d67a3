"""From the external event stream to well-formed frames of T steps."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.values import MOST
from ..parts.events import AXIS, event_layout
from ..parts.skid import Skid
from .duplicates import DuplicateCheck

# Bits of `errors`, in order; ports.md is written from this table. What each kind of damage means for
# the frame is defined by numerics/ingress.py.
ERRORS = (
    ("address_range", "an address beyond the network's inputs was dropped"),
    ("early_last", "tlast before the T-th TICK ended the frame; its missing TICKs were supplied"),
    ("missing_last", "the T-th TICK came without tlast; it ended the frame"),
    ("duplicate", "an address came twice in a step; its weight was added twice"),
)


class Ingress(wiring.Component):
    """Checks event words and makes every frame exactly T steps long.

    Latency 1 clock (a skid buffer), throughput 1 word per clock; a dropped word costs 1 clock, as does
    each TICK that is supplied to a frame that ended early. Duplicates are noticed where
    `check_duplicates` (see CorePlan), else their bit stays 0; `target` is the device that it is made for,
    if any. With `most` above 1 VALUE words are read, a clock each: the addresses behind one carry its m
    as `times`, `most` at most, until the next TICK; else a VALUE is a TICK.

    Members: `i` (In stream of 16-bit words and `last`), `o` (Out stream of events),
    `errors` (Out, sticky, one bit for each of ERRORS), `clear` (In: clears `errors`).
    """

    def __init__(
        self,
        inputs: int,
        timesteps: int,
        *,
        check_duplicates: bool = True,
        target: str = "",
        most: int = 1,
    ):
        self._most = most
        self._inputs = inputs
        self._timesteps = timesteps
        self._check_duplicates = check_duplicates
        self._target = target
        super().__init__(
            {
                "i": In(stream.Signature(AXIS)),
                "o": Out(stream.Signature(event_layout(inputs, most))),
                "errors": Out(len(ERRORS)),
                "clear": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # The range is checked on the way into the buffer, so that the check's carry chain does not
        # add to the paths of the handshake behind it.
        m.submodules.buffer = buffer = Skid(data.StructLayout({"data": 16, "last": 1, "sound": 1}))
        m.d.comb += [
            buffer.i.p.data.eq(self.i.p.data),
            buffer.i.p.last.eq(self.i.p.last),
            buffer.i.p.sound.eq(self.i.p.data[15] | (self.i.p.data[:15] < self._inputs)),
            buffer.i.valid.eq(self.i.valid),
            self.i.ready.eq(buffer.i.ready),
        ]
        i, o = buffer.o, self.o
        step = Signal(range(self._timesteps))
        padding = Signal()
        final = Signal()
        address, is_tick, sound = i.p.data[:15], i.p.data[15], i.p.sound
        wrong = ~sound
        if self._most > 1:
            is_value = i.p.data[15] & i.p.data[14]
            times = Signal(range(self._most + 1), init=1)
            beyond = i.p.data[len(times) : MOST.bit_length()].any()
            with m.If(o.valid & o.ready & o.p.tick):
                m.d.sync += times.eq(1)
            with m.Elif(i.valid & i.ready & is_value):
                m.d.sync += times.eq(Mux(beyond, self._most, i.p.data))
            m.d.comb += o.p.times.eq(times)
            is_tick, sound = is_tick & ~is_value, sound & ~is_value
        range_error, early, missing, duplicate = Signal(), Signal(), Signal(), Signal()
        taken = Signal()
        m.d.comb += [
            final.eq(step == self._timesteps - 1),
            o.p.address.eq(address),
            o.p.tick.eq(is_tick | padding),
            o.p.last.eq(final),
            o.valid.eq(padding | (i.valid & sound)),
            i.ready.eq(~padding & (o.ready | ~sound)),
            taken.eq(i.valid & i.ready),
            range_error.eq(taken & wrong),
            # Ending the frame on its T-th TICK is right; anywhere else `last` is early.
            early.eq(taken & i.p.last & ~(is_tick & final)),
            missing.eq(taken & ~i.p.last & is_tick & final),
        ]
        with m.If(o.valid & o.ready & o.p.tick):
            m.d.sync += step.eq(step + 1)
            with m.If(final):
                m.d.sync += [step.eq(0), padding.eq(0)]
        with m.If(early):
            m.d.sync += padding.eq(1)

        if self._check_duplicates:
            m.submodules.duplicates = check = DuplicateCheck(self._inputs, self._target)
            m.d.comb += [
                check.address.eq(o.p.address),
                check.taken.eq(o.valid & o.ready),
                check.tick.eq(o.p.tick),
                duplicate.eq(check.found),
            ]

        with m.If(self.clear):
            m.d.sync += self.errors.eq(0)
        for bit, event in enumerate((range_error, early, missing, duplicate)):
            with m.If(event):
                m.d.sync += self.errors[bit].eq(1)
        return m
