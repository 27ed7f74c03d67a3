"""iCE40 UP5K's single-port RAM as a weight memory, filled word by word through a load port."""

from amaranth.hdl import Array, Cat, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..devices import SPRAM_DEPTH, SPRAM_WIDTHS, UP5K_SPRAM_BLOCKS


class SpramMemory(wiring.Component):
    """Four SPRAM blocks, or fewer, as one memory of 16-, 32- or 64-bit words.

    Reading: `data` holds word `address` one clock after the edge that sampled it (latency 1,
    one word per clock). Loading: while `load_enable`, 16-bit piece `load_address` (in order of
    ascending words, lowest piece first) is written instead and nothing is read.

    Members: `address` (In), `data` (Out `width`), `load_enable`, `load_address`, `load_data` (In).
    """

    def __init__(self, width: int, blocks: int = UP5K_SPRAM_BLOCKS):
        if width not in SPRAM_WIDTHS:
            raise ValueError(f"SPRAM word width {width} is not one of {SPRAM_WIDTHS}")
        self._width = width
        self._columns = width // 16
        self._rows = blocks // self._columns
        depth = self._rows * SPRAM_DEPTH
        super().__init__(
            {
                "address": In(range(depth)),
                "data": Out(width),
                "load_enable": In(1),
                "load_address": In(range(depth * self._columns)),
                "load_data": In(16),
            }
        )

    def elaborate(self, platform):
        m = Module()
        column_bits = (self._columns - 1).bit_length()
        column = self.load_address[:column_bits]
        word = Signal.like(self.address)
        with m.If(self.load_enable):
            m.d.comb += word.eq(self.load_address[column_bits:])
        with m.Else():
            m.d.comb += word.eq(self.address)
        row = word[14:] if self._rows > 1 else Const(0, 1)
        read_row = Signal.like(row)
        m.d.sync += read_row.eq(row)

        rows = []
        for r in range(self._rows):
            pieces = []
            for c in range(self._columns):
                piece, selected = Signal(16, name=f"piece_{r}_{c}"), Signal(name=f"selected_{r}_{c}")
                m.d.comb += selected.eq((row == r) & (column == c))
                m.submodules[f"ram_{r}_{c}"] = Instance(
                    "SB_SPRAM256KA",
                    i_ADDRESS=word[:14],
                    i_DATAIN=self.load_data,
                    i_MASKWREN=Const(0b1111, 4),
                    i_WREN=self.load_enable & selected,
                    i_CHIPSELECT=Const(1),
                    i_CLOCK=ClockSignal(),
                    i_STANDBY=Const(0),
                    i_SLEEP=Const(0),
                    i_POWEROFF=Const(1),  # active low: 1 keeps the block powered
                    o_DATAOUT=piece,
                )
                pieces.append(piece)
            rows.append(Cat(pieces))
        m.d.comb += self.data.eq(Array(rows)[read_row])
        return m
