"""The queue of spike words between a layer and its consumer, with room counted in steps."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from .events import mask_layout

# Steps that may be in the queue or on their way to it: one being read while one is written.
STEPS_IN_FLIGHT = 2


class MaskQueue(wiring.Component):
    """Holds the spike words of up to two steps.

    The writer has no back-pressure word by word: it asks `room` before it starts a step's sweep
    (`begin`), and a step gives its place back when its last word is taken from `o`. Words without
    spikes are not stored, unless they end a step.
    Latency 3 clocks from `spikes_valid` to `o.valid`; one word a clock.

    Members: `spikes`, `spikes_valid`, `begin` (In), `room` (Out), `o` (Out stream of words).
    """

    def __init__(self, lanes: int, words: int):
        self._layout = mask_layout(lanes, words)
        self._depth = max(STEPS_IN_FLIGHT * words, 2)
        super().__init__({
            "spikes": In(self._layout),
            "spikes_valid": In(1),
            "begin": In(1),
            "room": Out(1),
            "o": Out(stream.Signature(self._layout)),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        # The buffer's output register counts as one of its entries.
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=self._layout.size, depth=self._depth + 1)
        store = self.spikes.mask.any() | self.spikes.end
        # A register between the sweep and the queue: deciding what to store takes most of a clock.
        word, word_valid = Signal(self._layout, reset_less=True), Signal()
        m.d.sync += [word.eq(self.spikes), word_valid.eq(self.spikes_valid & store)]
        steps = Signal(range(STEPS_IN_FLIGHT + 1))
        release = Signal()
        m.d.comb += [
            fifo.w_data.eq(word),
            fifo.w_en.eq(word_valid),
            self.o.p.eq(fifo.r_data),
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
            release.eq(self.o.valid & self.o.ready & self.o.p.end),
            self.room.eq(steps != STEPS_IN_FLIGHT),
        ]
        with m.If(self.begin & ~release):
            m.d.sync += steps.eq(steps + 1)
        with m.Elif(~self.begin & release):
            m.d.sync += steps.eq(steps - 1)
        return m
