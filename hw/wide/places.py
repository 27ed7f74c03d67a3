"""Events between the maps of a wide core: coded coordinates instead of numbers."""

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..parts.events import event_layout, times_field
from ..plan.codes import Codes


def place_layout(codes: Codes, most: int = 1) -> data.StructLayout:
    """An event at {y, x, c}, c lowest, or a TICK (`tick`; `last` on the frame's last one).

    Where an event may count several times, `most` of them, `times` says how often.
    """
    # A field of no bits would be a wire of no width in the Verilog, which linters dislike.
    coordinates = {"c": codes.c_bits, "x": codes.x_bits, "y": codes.y_bits}
    fields = {name: bits for name, bits in coordinates.items() if bits}
    return data.StructLayout(fields | {"tick": 1, "last": 1} | times_field(most))


def coordinate(place, name: str) -> Value:
    """The coordinate `y`, `x` or `c` of a place; no bits where the map has a single one."""
    return place[name] if name in place.shape().members else Const(0, 0)


def set_coordinates(place, **values) -> list:
    """Assignments of the coordinates that the place has."""
    return [place[name].eq(value) for name, value in values.items() if name in place.shape().members]


class PlaceTable(wiring.Component):
    """Turns flat addresses into {y, x, c} by a table, an event per clock; latency 2 clocks.

    Where the bits of a flat address are {y, x, c} already there is neither table nor register: 0 clocks.

    Members: `i` (In stream of events with flat addresses), `o` (Out stream, see place_layout).
    """

    def __init__(self, codes: Codes, inputs: int, most: int = 1):
        self._codes, self._most = codes, most
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(inputs, most))),
                "o": Out(stream.Signature(place_layout(codes, most))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rows = self._codes.table
        bits = max(self._codes.bits, 1)
        i, o = self.i, self.o
        if rows is None:
            m.d.comb += [
                self._found(i.p.address),
                self._beside(o.p).eq(self._beside(i.p)),
                o.valid.eq(i.valid),
                i.ready.eq(o.ready),
            ]
            return m
        m.submodules.table = table = Memory(shape=bits, depth=len(rows), init=rows.tolist())
        port = table.read_port()
        # Read, then a register of its own: a block RAM's output is late in its clock.
        read, out = Signal(), Signal()
        kept = [Signal.like(self._beside(i.p), name=f"kept_{k}", reset_less=True) for k in range(2)]
        place = Signal(bits, reset_less=True)
        go_out, go_read = Signal(), Signal()
        m.d.comb += [
            go_out.eq(o.ready | ~out),
            go_read.eq(go_out | ~read),
            i.ready.eq(go_read),
            port.addr.eq(i.p.address),
            port.en.eq(go_read),
            self._found(place),
            self._beside(o.p).eq(kept[1]),
            o.valid.eq(out),
        ]
        with m.If(go_read):
            m.d.sync += [read.eq(i.valid), kept[0].eq(self._beside(i.p))]
        with m.If(go_out):
            m.d.sync += [out.eq(read), kept[1].eq(kept[0]), place.eq(port.data)]
        return m

    def _found(self, address: Value):
        return Value.cast(self.o.p)[: self._codes.bits].eq(address)

    def _beside(self, payload) -> Value:
        """What goes with an address: `tick`, `last` and perhaps `times`, the highest bits in both layouts."""
        return Value.cast(payload)[-(2 + (bits_for(self._most) if self._most > 1 else 0)) :]
