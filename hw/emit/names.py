"""What a core's modules, files and macros are called, so that several stand in one design."""

import dataclasses
import re

from ...numerics.errors import out_of_range

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
# Words that Verilog, SystemVerilog and C keep for themselves.
_KEYWORDS = """
    accept_on alias always always_comb always_ff always_latch and assert assign assume auto automatic before
    begin bind bins binsof bit bool break buf bufif0 bufif1 byte case casex casez cell chandle char checker
    class clocking cmos complex config const constexpr constraint context continue cover covergroup
    coverpoint cross deassign default defparam design disable dist do double edge else end endcase
    endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
    endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event
    eventually expect export extends extern false final first_match float for force foreach forever fork
    forkjoin function generate genvar global goto highz0 highz1 if iff ifnone ignore_bins illegal_bins
    imaginary implements implies import incdir include initial inline inout input inside instance int
    integer interconnect interface intersect join join_any join_none large let liblist library local
    localparam logic long longint macromodule matches medium modport module nand negedge nettype new
    nexttime nmos nor noshowcancelled not notif0 notif1 null nullptr or output package packed parameter pmos
    posedge primitive priority program property protected pull0 pull1 pulldown pullup pulsestyle_ondetect
    pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg register reject_on
    release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime
    s_until s_until_with scalared sequence short shortint shortreal showcancelled signed sizeof small soft
    solve specify specparam static static_assert string strong strong0 strong1 struct super supply0 supply1
    switch sync_accept_on sync_reject_on table tagged task this thread_local throughout time timeprecision
    timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg true type typedef typeof typeof_unqual
    union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void volatile wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""
KEYWORDS = frozenset(_KEYWORDS.split())


@dataclasses.dataclass(frozen=True)
class Names:
    """The names of one core: the usual ones, or those that begin with `name`.

    `name` is an identifier of Verilog and C: raises TwinspikeError otherwise. In one design no name may be
    another's with something behind an underscore, as `a` and `a_wishbone` are.
    """

    name: str = ""

    def __post_init__(self) -> None:
        if self.name and (not _IDENTIFIER.fullmatch(self.name) or self.name in KEYWORDS):
            raise out_of_range(
                "--name",
                self.name,
                "an identifier of Verilog and C: a letter, then letters, digits and "
                "underscores, 64 at most, and none of their keywords",
            )

    @property
    def stem(self) -> str:
        """What the names of bus tops and files begin with."""
        return self.name or "twinspike"

    @property
    def core(self) -> str:
        """The module with the streams."""
        return self.name or "twinspike_core"

    def bus(self, bus: str) -> str:
        """The module with a bus."""
        return f"{self.stem}_{bus}"

    @property
    def macro(self) -> str:
        """What macros begin with."""
        return self.stem.upper()

    def file(self, name: str) -> str:
        """A file that simulations read by name."""
        return f"{self.name}_{name}" if self.name else name

    def rename(self, text: str) -> str:
        """A bench's or document's text, written with the usual names, with these."""
        if not self.name:
            return text
        for usual, own in (
            (r"\btwinspike_core\b", self.core),
            (r"\btwinspike_(wishbone|axilite|registers)\b", rf"{self.name}_\1"),
            (r"`TWINSPIKE_", f"`{self.macro}_"),
            (r"\bweights\.(mem|bin)\b", rf"{self.name}_weights.\1"),
        ):
            text = re.sub(usual, own, text)
        return text


USUAL = Names()
