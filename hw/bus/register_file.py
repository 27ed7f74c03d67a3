"""The registers of hw/bus/registers.py in gateware, behind a port that knows no bus."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan import CorePlan
from .core_registers import constants
from .fields import Register
from .registers import ADDRESS_BITS, OF_TIMER, REGISTERS

# Word addresses; a write happens in the clock of `write`, `read_data` follows a clock after `read` and stays.
PORT = wiring.Signature(
    {
        "write": Out(1),
        "write_address": Out(ADDRESS_BITS - 2),
        "write_data": Out(32),
        "write_mask": Out(4),
        "read": Out(1),
        "read_address": Out(ADDRESS_BITS - 2),
        "read_data": In(32),
    }
)


# Fields to be written of so many bits are data that go with a strobe: they are not gated again.
WIDE = 8


def layout(*access: str, registers: tuple[Register, ...] = REGISTERS) -> data.StructLayout:
    """The registers with fields of these kinds of access, as a struct of structs."""
    chosen = {r.name: {f.name: f.width for f in r.fields if f.access in access} for r in registers}
    return data.StructLayout({name: data.StructLayout(fields) for name, fields in chosen.items() if fields})


class RegisterFile(wiring.Component):
    """Decodes reads and writes, and holds the fields that software sets.

    Latency: a write is seen in `written` and `bytes` in the clock of the port's `write`, in `stored` one
    later; `read_data` comes one clock after `read`. One read and one write a clock.

    Members: `port` (In, of PORT), `status` (In: what the fields to be read hold), `stored` (Out: fields
    to read and write), `written` (Out, for a clock: bits written to fields that are write-only or
    cleared by a 1; those of WIDE bits or more hold what is on the port, and `bytes` says when it is theirs),
    `bytes` (Out, for a clock: bytes written of each register with write-only fields).
    """

    def __init__(self, plan: CorePlan):
        self._constants = constants(plan)
        self._registers = tuple(r for r in REGISTERS if plan.step_timer or r.name not in OF_TIMER)
        chosen = self._registers
        super().__init__(
            {
                "port": In(PORT),
                "status": In(layout("ro", "w1c", registers=chosen)),
                "stored": Out(layout("rw", registers=chosen), init=self._reset()),
                "written": Out(layout("wo", "w1c", registers=chosen)),
                "bytes": Out(data.StructLayout({name: 4 for name in layout("wo", registers=chosen).members})),
            }
        )

    def _reset(self) -> dict[str, dict[str, int]]:
        return {
            r.name: {
                f.name: self._constants.get(f"{r.name}.{f.name}", 0) for f in r.fields if f.access == "rw"
            }
            for r in self._registers
            if any(f.access == "rw" for f in r.fields)
        }

    def elaborate(self, platform):
        m = Module()
        port = self.port
        word = Signal(32)
        byte_mask = Cat(bit.replicate(8) for bit in port.write_mask)
        # The offsets in use are few: what lies beyond is told apart once, not in every comparison.
        used = (max(register.offset for register in self._registers) // 4).bit_length()
        write, known = Signal(), Signal()
        m.d.comb += [
            write.eq(port.write & ~port.write_address[used:].any()),
            known.eq(~port.read_address[used:].any()),
        ]
        for register in self._registers:
            address = register.offset // 4
            hit = Signal(name=f"write_{register.name.lower()}")
            m.d.comb += hit.eq(write & (port.write_address[:used] == address))
            if any(field.access == "wo" for field in register.fields):
                m.d.comb += self.bytes[register.name].eq(Mux(hit, port.write_mask, 0))
            for field in register.fields:
                bits = slice(field.low, field.low + field.width)
                if field.access == "rw":
                    held = self.stored[register.name][field.name]
                    new = (port.write_data & byte_mask)[bits] | (held & ~byte_mask[bits])
                    with m.If(hit):
                        m.d.sync += held.eq(new)
                elif field.access in ("wo", "w1c"):
                    written = self.written[register.name][field.name]
                    data = (port.write_data & byte_mask)[bits]
                    m.d.comb += written.eq(data if field.width >= WIDE else Mux(hit, data, 0))
        with m.Switch(port.read_address[:used]):
            for register in self._registers:
                with m.Case(register.offset // 4):
                    m.d.comb += [
                        word[f.low : f.low + f.width].eq(self._readable(register.name, f))
                        for f in register.fields
                    ]
        with m.If(port.read):
            m.d.sync += port.read_data.eq(Mux(known, word, 0))
        return m

    def _readable(self, register, field) -> Value:
        key = f"{register}.{field.name}"
        if field.access == "rw":
            return self.stored[register][field.name]
        if field.access == "wo":
            return Const(0, field.width)
        if key in self._constants:
            return Const(self._constants[key], field.width)
        return self.status[register][field.name]
