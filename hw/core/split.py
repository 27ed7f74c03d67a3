"""From the flat addresses of a map to bit fields {y, x, c}: two divisions by constants, bit by bit."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..parts.events import event_layout
from ..plan.maps import MapFields


class AddressSplit(wiring.Component):
    """Divides an address by the length of a row, and what is left by the channels, where they must be.

    Two bits of a quotient a clock, highest first. An event taken is offered `division_clocks` + 1 clocks
    later, a TICK one clock later; the next one is taken once it has left.

    Members: `i` (In stream of events with flat addresses), `o` (Out stream of events with bit fields).
    """

    def __init__(self, fields: MapFields, most: int = 1):
        self._fields, self._most = fields, most
        flat = fields.height * fields.width * fields.channels
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(flat, most))),
                "o": Out(stream.Signature(event_layout(fields.addresses, most))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        fields = self._fields
        full, ready = Signal(), Signal()
        tick, last = Signal(reset_less=True), Signal(reset_less=True)
        rest = Signal.like(self.i.p.address, reset_less=True)
        quotients = {
            name: Signal(2 * steps, name=name, reset_less=True) for name, _, steps in fields.divisions
        }
        m.d.comb += [
            self.i.ready.eq(~full),
            self.o.valid.eq(ready),
            self.o.p.tick.eq(tick),
            self.o.p.last.eq(last),
        ]
        with m.If(self.i.ready):
            m.d.sync += [
                full.eq(self.i.valid),
                ready.eq(self.i.valid & self.i.p.tick),
                tick.eq(self.i.p.tick),
                last.eq(self.i.p.last),
                rest.eq(self.i.p.address),
            ]
        with m.If(ready & self.o.ready):
            m.d.sync += [full.eq(0), ready.eq(0)]

        if self._most > 1:
            times = Signal.like(self.i.p.times, reset_less=True)
            m.d.comb += self.o.p.times.eq(times)
            with m.If(self.i.ready):
                m.d.sync += times.eq(self.i.p.times)

        step = Signal(range(max(fields.division_clocks, 2)))
        with m.If(full & ~ready):
            m.d.sync += [step.eq(step + 1), ready.eq(step == fields.division_clocks - 1)]
            number = 0
            for name, divisor, steps in fields.divisions:
                for place in reversed(range(steps)):
                    with m.If(step == number):
                        digit, left = _digit(rest, divisor << 2 * place)
                        m.d.sync += [rest.eq(left), quotients[name].eq(Cat(digit, quotients[name]))]
                    number += 1
            with m.If(step == fields.division_clocks - 1):
                m.d.sync += step.eq(0)

        # What needs no division lies in the low bits of what the last one left.
        if "x" in quotients:
            y, x, c = quotients.get("y", 0), quotients["x"], rest
        else:
            y, x, c = quotients.get("y", 0), rest[fields.c_bits :], rest
        parts = [_bits(c, fields.c_bits), _bits(x, fields.x_bits), _bits(y, fields.y_bits)]
        m.d.comb += self.o.p.address.eq(Cat(parts))
        return m


def _digit(value: Value, divisor: int) -> tuple[Value, Value]:
    """The base-4 digit of value / divisor, known to be below 4, and what is left."""
    at_least = [value >= k * divisor for k in (1, 2, 3)]
    left = value
    for k in (1, 2, 3):
        left = Mux(at_least[k - 1], value - k * divisor, left)
    digit = Cat(at_least[0] & ~at_least[1] | at_least[2], at_least[1])
    return digit, left


def _bits(value: Value | int, width: int) -> Value:
    return Const(value, width) if isinstance(value, int) else value[:width]
