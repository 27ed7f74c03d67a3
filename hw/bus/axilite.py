"""AXI4-Lite to the register port."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .register_file import PORT
from .registers import ADDRESS_BITS


class AxiLiteAdapter(wiring.Component):
    """An AXI4-Lite subordinate with 32-bit data; every response is OKAY.

    Write address and write data are taken in either order, each into a register of its own; the write
    happens once both are there and the response before has been taken. A write takes 2 clocks and a
    read 2, side by side; no combinational path from an input to an output. `awprot` and `arprot` are
    ignored. The clock's `rst` is active high: connect the inverse of `aresetn`.

    Members: `s_axil_*` (the five channels); `registers` (Out, of register_file.PORT).
    """

    MEMBERS = {  # noqa: RUF012 (a table, read only)
        "s_axil_awaddr": In(ADDRESS_BITS),
        "s_axil_awprot": In(3),
        "s_axil_awvalid": In(1),
        "s_axil_awready": Out(1),
        "s_axil_wdata": In(32),
        "s_axil_wstrb": In(4),
        "s_axil_wvalid": In(1),
        "s_axil_wready": Out(1),
        "s_axil_bresp": Out(2),
        "s_axil_bvalid": Out(1),
        "s_axil_bready": In(1),
        "s_axil_araddr": In(ADDRESS_BITS),
        "s_axil_arprot": In(3),
        "s_axil_arvalid": In(1),
        "s_axil_arready": Out(1),
        "s_axil_rdata": Out(32),
        "s_axil_rresp": Out(2),
        "s_axil_rvalid": Out(1),
        "s_axil_rready": In(1),
    }

    def __init__(self):
        super().__init__({**self.MEMBERS, "registers": Out(PORT)})

    def elaborate(self, platform):
        m = Module()
        port = self.registers
        address = Signal(ADDRESS_BITS - 2, reset_less=True)
        word, mask = Signal(32, reset_less=True), Signal(4, reset_less=True)
        have_address, have_data = Signal(), Signal()
        m.d.comb += [
            self.s_axil_awready.eq(~have_address),
            self.s_axil_wready.eq(~have_data),
            port.write.eq(have_address & have_data & ~self.s_axil_bvalid),
            port.write_address.eq(address),
            port.write_data.eq(word),
            port.write_mask.eq(mask),
        ]
        with m.If(self.s_axil_awready):
            m.d.sync += [address.eq(self.s_axil_awaddr[2:]), have_address.eq(self.s_axil_awvalid)]
        with m.If(self.s_axil_wready):
            m.d.sync += [
                word.eq(self.s_axil_wdata),
                mask.eq(self.s_axil_wstrb),
                have_data.eq(self.s_axil_wvalid),
            ]
        with m.If(port.write):
            m.d.sync += [have_address.eq(0), have_data.eq(0), self.s_axil_bvalid.eq(1)]
        with m.Elif(self.s_axil_bready):
            m.d.sync += self.s_axil_bvalid.eq(0)

        m.d.comb += [
            self.s_axil_arready.eq(~self.s_axil_rvalid),
            port.read.eq(self.s_axil_arvalid & self.s_axil_arready),
            port.read_address.eq(self.s_axil_araddr[2:]),
            self.s_axil_rdata.eq(port.read_data),
        ]
        with m.If(port.read):
            m.d.sync += self.s_axil_rvalid.eq(1)
        with m.Elif(self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)
        return m
