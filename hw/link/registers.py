"""READ and WRITE of the link: registers, word by word."""

from amaranth.hdl import Cat, Module, Signal

from ...numerics.link import Op, Reason
from .plan import LinkPlan
from .request import Request


class RegisterAccess:
    """States of the engine from `Address` on, which end in `Close`; `port` is of register_file.PORT.

    The next word goes to or comes from `address`; `word` is what is written. Who sets `address`, and
    `left` to a number of words, may go on in `Read`: that many are read into the answer.
    """

    def __init__(self, plan: LinkPlan, request: Request, port):
        self._plan, self._request, self.port = plan, request, port
        self.address = Signal(len(port.read_address))
        self.word = Signal(32, reset_less=True)
        self._strobe = Signal()

    def connect(self, m: Module) -> None:
        """Drive the port; it writes a clock after :meth:`write`, for short paths."""
        port = self.port
        m.d.sync += self._strobe.eq(0)
        m.d.comb += [
            port.write.eq(self._strobe),
            port.read_address.eq(self.address),
            port.write_address.eq(self.address),
            port.write_data.eq(self.word),
            port.write_mask.eq(0b1111),
        ]

    def write(self, m: Module) -> None:
        """Write `word` to `address`, which both stay for a clock."""
        m.d.sync += self._strobe.eq(1)

    def states(self, m: Module) -> None:
        """Add the states; to be called inside the engine's FSM."""
        port, request = self.port, self._request
        address, word, left, index = self.address, self.word, request.left, request.index
        with m.State("Address"):
            m.d.comb += request.want.eq(1)
            with m.If(request.come):
                m.d.sync += [address.eq(Cat(address[-8:], request.payload)), index.eq(index + 1)]
                with m.If(index == 0):
                    m.d.sync += address[-8:].eq(request.payload)
                with m.Else():
                    m.d.sync += index.eq(0)
                    m.next = "Write"
                    with m.If(request.kind[:3] == Op.READ):
                        m.next = "Words"
        with m.State("Words"):
            m.d.comb += request.want.eq(1)
            with m.If(request.come):
                m.d.sync += left.eq(request.payload)  # words, from here on
                m.next = "Fit"
        with m.State("Fit"):
            m.next = "Read"
            with m.If(left > self._plan.answer_words):
                m.d.sync += left.eq(0)
                request.refuse(m, Reason.LENGTH)
        with m.State("Read"):
            m.d.comb += port.read.eq(left.any())
            m.next = "Store"
            with m.If(~left.any()):
                m.next = "Close"
        with m.State("Store"):
            request.put(m, port.read_data.word_select(index, 8))
            m.d.sync += index.eq(index + 1)
            with m.If(index == 3):
                m.d.sync += [address.eq(address + ~request.hold), left.eq(left - 1)]
                m.next = "Read"
        with m.State("Write"):
            m.d.comb += request.want.eq(request.some)
            with m.If(request.none):
                m.next = "Close"
            with m.Elif(request.come):
                m.d.sync += [word.eq(Cat(word[8:], request.payload)), index.eq(index + 1)]
                with m.If(index == 3):
                    m.next = "Written"
        with m.State("Written"):
            self.write(m)
            m.next = "Further"
        with m.State("Further"):
            m.d.sync += address.eq(address + ~request.hold)
            m.next = "Write"
