"""Wishbone B4 to the register port."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .register_file import PORT
from .registers import ADDRESS_BITS


class WishboneAdapter(wiring.Component):
    """A Wishbone B4 classic (standard cycle) slave: 32-bit data, 8-bit granularity, byte addresses.

    A transfer takes 2 clocks: the access happens in the first, `wb_ack_o` is high in the second. Every
    transfer is acknowledged; there is no `err` or `rty`. A pipelined master needs the usual wrapper
    (stall = cyc and not ack). The lowest two address bits are ignored: `wb_sel_i` chooses bytes.

    Members: `wb_cyc_i`, `wb_stb_i`, `wb_we_i`, `wb_adr_i`, `wb_sel_i`, `wb_dat_i` (In), `wb_ack_o`,
    `wb_dat_o` (Out); `registers` (Out, of register_file.PORT).
    """

    MEMBERS = {  # noqa: RUF012 (a table, read only)
        "wb_cyc_i": In(1),
        "wb_stb_i": In(1),
        "wb_we_i": In(1),
        "wb_adr_i": In(ADDRESS_BITS),
        "wb_sel_i": In(4),
        "wb_dat_i": In(32),
        "wb_dat_o": Out(32),
        "wb_ack_o": Out(1),
    }

    def __init__(self):
        super().__init__({**self.MEMBERS, "registers": Out(PORT)})

    def elaborate(self, platform):
        m = Module()
        port = self.registers
        asked, begins, answered = Signal(), Signal(), Signal()
        m.d.comb += [
            asked.eq(self.wb_cyc_i & self.wb_stb_i),
            begins.eq(asked & ~answered),
            # The acknowledgement goes with the request, as rule 3.50 asks.
            self.wb_ack_o.eq(asked & answered),
            port.write.eq(begins & self.wb_we_i),
            port.read.eq(begins & ~self.wb_we_i),
            port.write_address.eq(self.wb_adr_i[2:]),
            port.read_address.eq(self.wb_adr_i[2:]),
            port.write_data.eq(self.wb_dat_i),
            port.write_mask.eq(self.wb_sel_i),
            self.wb_dat_o.eq(port.read_data),
        ]
        m.d.sync += answered.eq(begins)
        return m
