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
        rest = Signal(_room(fields), reset_less=True)
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

        # What is left moves up by a digit each clock, so each division compares with its own three numbers.
        done = Signal(max(fields.division_clocks, 1))  # a bit a digit, one after the other
        moved = sum(2 * steps for _, _, steps in fields.divisions)
        with m.If(full & ~ready):
            m.d.sync += [done.eq(Cat(1, done)), ready.eq(done[-2] if len(done) > 1 else 1)]
            before = 0
            for name, divisor, steps in fields.divisions:
                digit, left = _digit(rest, divisor << 2 * (before + steps - 1))
                last = before + steps == fields.division_clocks
                with m.If((Const(1) if last else ~done[before + steps - 1]) & _reached(done, before)):
                    m.d.sync += [rest.eq(left << 2), quotients[name].eq(Cat(digit, quotients[name]))]
                before += steps
        with m.Else():
            m.d.sync += done.eq(0)

        # What needs no division lies in the low bits of what the last one left.
        below = rest[moved:]
        if "x" in quotients:
            y, x, c = quotients.get("y", 0), quotients["x"], below
        else:
            y, x, c = quotients.get("y", 0), below[fields.c_bits :], below
        parts = [_bits(c, fields.c_bits), _bits(x, fields.x_bits), _bits(y, fields.y_bits)]
        m.d.comb += self.o.p.address.eq(Cat(parts))
        return m


def _room(fields: MapFields) -> int:
    """Bits of what is left while it moves up."""
    widths, moved = [(fields.height * fields.width * fields.channels - 1).bit_length()], 0
    for _, divisor, steps in fields.divisions:
        moved += 2 * steps
        widths.append(((divisor << moved) - 1).bit_length())
    return max(widths)


def _reached(done: Signal, before: int) -> Value:
    """Whether so many digits have been found."""
    return done[before - 1] if before else Const(1)


def _digit(value: Value, divisor: int) -> tuple[Value, Value]:
    """The base-4 digit of value / divisor, known to be below 4, and what is left."""
    # A difference says by its sign which of two numbers was larger.
    differences = [(value - k * divisor) for k in (1, 2, 3)]
    at_least = [~difference[-1] for difference in differences]
    left = Mux(
        at_least[1],
        Mux(at_least[2], differences[2], differences[1]),
        Mux(at_least[0], differences[0], value),
    )
    digit = Cat(at_least[0] & ~at_least[1] | at_least[2], at_least[1])
    return digit, left[: len(value)]


def _bits(value: Value | int, width: int) -> Value:
    return Const(value, width) if isinstance(value, int) else value[:width]
