"""From bytes of the line to whole, sound requests: deframing, CRC check and the buffer."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...numerics.link import CRC_BYTES, ESCAPE, FLAG, FLIP, HEAD_BYTES
from .crc import SerialCrc
from .plan import LENGTH_BYTES

LEAST_BYTES = HEAD_BYTES + CRC_BYTES  # of a frame


class LinkReceiver(wiring.Component):
    """Keeps a frame's bytes until its CRC has proved right, then gives out its entry.

    An entry is the payload's length (2 bytes, lowest first), the sequence number, the kind, the payload.
    Frames that are broken, cut off by a FLAG, too short, or beyond the buffer's free room vanish; nothing
    that they left is ever seen. A byte takes up to 10 clocks, a FLAG 3. Latency from the FLAG that ends
    a frame to its entry at `o`: 5 clocks; then a byte each clock.

    Members: `data` (In 8), `valid` (In, for a clock: a byte came), `broken` (In, for a clock: the line
    is out of step), `o` (Out stream of bytes).
    """

    def __init__(self, buffer_bytes: int):
        if buffer_bytes & (buffer_bytes - 1) or not 64 <= buffer_bytes <= 1 << 15:
            raise ValueError(f"buffer of {buffer_bytes} bytes is no power of two in 64..32768")
        self._depth = buffer_bytes
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "broken": In(1),
                "o": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=self._depth, init=[])
        m.submodules.crc = crc = SerialCrc()
        write, read = memory.write_port(), memory.read_port()
        start = Signal(range(self._depth))  # where the frame's entry begins: all before is given out
        at = Signal.like(start, init=LENGTH_BYTES)  # where its next byte goes
        taken = Signal.like(start)  # how far entries have left
        count = Signal(range(LEAST_BYTES + 1))  # bytes of the frame, up to the fewest that a frame has
        escaped, bad, full = Signal(), Signal(), Signal()
        byte = Signal(8, reset_less=True)
        payload = Signal.like(start)
        m.d.comb += [crc.data.eq(byte), write.addr.eq(at), write.data.eq(byte)]
        # One place stays free, else full would look empty. Both are ready long before the next byte comes.
        m.d.sync += [
            full.eq((at + 1)[: len(at)] == taken),
            payload.eq(at - start - (LENGTH_BYTES + LEAST_BYTES)),
        ]
        with m.If(self.broken):
            m.d.sync += bad.eq(1)
        with m.FSM():
            with m.State("Line"), m.If(self.valid):
                m.d.sync += byte.eq(self.data ^ (escaped << FLIP.bit_length() - 1))
                with m.If(self.data == FLAG):
                    # An escape right before it cuts the frame off on purpose.
                    with m.If(crc.match & ~bad & ~escaped & (count == LEAST_BYTES)):
                        m.d.sync += at.eq(start)
                        m.next = "Low"
                    with m.Else():
                        m.next = "Fresh"
                with m.Elif(self.data == ESCAPE):
                    m.d.sync += escaped.eq(1)
                with m.Else():
                    m.next = "Byte"
            with m.State("Byte"):
                m.d.comb += [write.en.eq(~full), crc.start.eq(1)]
                with m.If(full):
                    m.d.sync += bad.eq(1)
                with m.Else():
                    m.d.sync += at.eq(at + 1)
                with m.If(count != LEAST_BYTES):
                    m.d.sync += count.eq(count + 1)
                m.d.sync += escaped.eq(0)
                m.next = "Line"
            with m.State("Low"):
                m.d.comb += [write.data.eq(payload[:8]), write.en.eq(1)]
                m.d.sync += [at.eq(at + 1), payload.eq(payload)]
                m.next = "High"
            with m.State("High"):
                m.d.comb += [write.data.eq(payload[8:]), write.en.eq(1)]
                m.d.sync += start.eq(start + (LENGTH_BYTES + HEAD_BYTES) + payload)
                m.next = "Fresh"
            with m.State("Fresh"):
                m.d.comb += crc.clear.eq(1)
                m.d.sync += [at.eq(start + LENGTH_BYTES), count.eq(0), escaped.eq(0), bad.eq(self.broken)]
                m.next = "Line"

        # What is read lies before `start`, what is written lies after it: no two ports meet on a word.
        # The place ahead is kept too, so that neither the address nor `valid` waits for an addition.
        leaves, ahead = Signal(), Signal.like(taken, init=1)
        m.d.comb += [
            leaves.eq(self.o.valid & self.o.ready),
            read.addr.eq(Mux(leaves, ahead, taken)),
            self.o.payload.eq(read.data),
        ]
        m.d.sync += self.o.valid.eq(Mux(leaves, ahead != start, taken != start))
        with m.If(leaves):
            m.d.sync += [taken.eq(ahead), ahead.eq(ahead + 1)]
        return m
