"""Delays on the way from layer to layer: events wait in a ring of bits until they are due."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.events import event_layout
from ..plan.delay import GROUP, DelayPlan
from .encoder import Encoder


class DelayStage(wiring.Component):
    """Sends each event on K times, with the addresses and after the delays that DelayPlan says.

    The ring has a row of bits for each of the steps in which events may still be due, the one under way
    included. An event sets a bit for each of its taps, unless that is due after the frame; a TICK reads the
    row of its step, sends what is set, and leaves the row empty, so that after a frame's last TICK the whole
    ring is. After a reset every word is cleared first.

    An event occupies it for 2 K + 2 clocks. A TICK taken in clock p sees word w of its row in p + 3 + w,
    later by what the encoder behind needs for spikes (s + 1 clocks for a word of s, none for an
    empty word); the next event may be taken in the clock after that of the row's last word. From reset to the
    first event as many clocks as the ring has words.

    Members: `i` (In stream of events, of the map before), `o` (Out stream, of the map behind).
    """

    def __init__(self, plan: DelayPlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(plan.before.addresses, plan.most))),
                "o": Out(stream.Signature(event_layout(plan.addresses))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan, i = self._plan, self.i
        m.submodules.encoder = encoder = Encoder(plan)
        wiring.connect(m, encoder.o, wiring.flipped(self.o))
        m.submodules.ring = ring = Memory(shape=GROUP, depth=plan.depth, init=[])
        read, write = ring.read_port(), ring.write_port()

        # One thing at a time: clearing after reset, an event's taps, or the row of a TICK.
        clearing, setting, scanning = Signal(init=1), Signal(), Signal()
        m.d.comb += i.ready.eq(~(clearing | setting | scanning))
        taken = Signal()
        m.d.comb += taken.eq(i.valid & i.ready)
        counts = ~i.p.tick
        if plan.most > 1:
            counts = counts & i.p.times.any()  # what counts no times is no spike
        row, step = Signal(range(max(plan.rows, 2))), Signal(range(max(plan.timesteps, 2)))
        last = Signal()
        with m.If(taken):
            m.d.sync += [setting.eq(counts), scanning.eq(i.p.tick), last.eq(i.p.last)]

        word_bits = (plan.words - 1).bit_length()
        cleared = Signal(range(plan.depth))
        with m.If(clearing):
            m.d.comb += [write.addr.eq(cleared), write.en.eq(1)]
            m.d.sync += cleared.eq(cleared + 1)
            with m.If(cleared == plan.depth - 1):
                m.d.sync += [clearing.eq(0), cleared.eq(0)]

        self._set(m, read, write, setting, row, step, word_bits)
        self._scan(m, read, write, encoder, scanning, row, last, word_bits)
        with m.If(taken & i.p.tick):
            m.d.sync += step.eq(Mux(i.p.last, 0, step + 1))
        return m

    def _set(self, m: Module, read, write, setting: Signal, row: Signal, step: Signal, word_bits: int):
        """The taps of an event, one after the other: find the bit's word, read it, write it back."""
        plan = self._plan
        output = Signal(range(max(plan.addresses + plan.taps, 2)), reset_less=True)
        tap, writes = Signal(range(plan.taps + 1)), Signal()
        with m.If(self.i.ready):
            m.d.sync += output.eq(self._first(self.i.p.address))
        steps = self._delay(m, tap)

        # The row in which it is due, and whether the frame is not over by then.
        due, wrapped, when = (Signal(range(2 * plan.rows + 1)) for _ in range(3))
        in_time = Signal()
        # A delay beyond every frame's end must not come out as one within the ring.
        short = Signal.like(due)
        late = step + steps > plan.timesteps - 1
        m.d.comb += [
            short.eq(steps),
            due.eq(row + short),
            wrapped.eq(due - plan.rows),
            when.eq(Mux(due >= plan.rows, wrapped, due)),
            in_time.eq(~late),
        ]
        at, bit, live = Signal(range(plan.depth)), Signal(range(GROUP)), Signal()
        found = Signal()
        with m.If(setting):
            with m.If(found):
                # The word is being read: it is there in the next clock, when the next tap is looked up.
                m.d.comb += [read.addr.eq(at), read.en.eq(1)]
                m.d.sync += [found.eq(0), writes.eq(live)]
            with m.Elif(tap == plan.taps):
                m.d.sync += [setting.eq(0), tap.eq(0)]
            with m.Else():
                m.d.sync += [
                    at.eq(Cat(output[_BIT:][:word_bits], when[: len(row) if plan.rows > 1 else 0])),
                    bit.eq(output[:_BIT]),
                    live.eq(in_time),
                    output.eq(output + 1),
                    tap.eq(tap + 1),
                    found.eq(1),
                ]
        before, place = Signal.like(at), Signal.like(bit)
        m.d.sync += [before.eq(at), place.eq(bit)]
        with m.If(writes):
            m.d.sync += writes.eq(0)
            m.d.comb += [
                write.addr.eq(before),
                write.en.eq(1),
                write.data.eq(read.data | (Const(1, 1) << place)[:GROUP]),
            ]

    def _first(self, address: Value) -> Value:
        """The address of the first output of input `address`: its channel times K."""
        plan = self._plan
        before, after = plan.before, plan.after
        channel = (address[: before.c_bits] * plan.taps)[: after.c_bits]
        padding = Const(0, after.c_bits - len(channel))
        return Cat(channel, padding, address[before.c_bits : before.c_bits + before.x_bits + before.y_bits])

    def _delay(self, m: Module, tap: Signal) -> Value:
        """The delay of a tap of the event that was taken last, a clock after it was."""
        plan = self._plan
        bits = plan.delay_bits
        if plan.equal:
            row = [Const(int(steps), bits) for steps in plan.delays.delay[0]]
        else:
            layout = data.ArrayLayout(bits, plan.taps)
            rows = [[int(x) for x in line] for line in plan.table]
            depth = max(len(rows), 2)
            m.submodules.table = table = Memory(shape=layout, depth=depth, init=rows)
            port = table.read_port()
            m.d.comb += [port.addr.eq(self.i.p.address), port.en.eq(self.i.ready)]
            row = [port.data[k] for k in range(plan.taps)]
        found = Signal(bits, name="delay")
        with m.Switch(tap):
            for k, steps in enumerate(row):
                with m.Case(k):
                    m.d.comb += found.eq(steps)
        return found

    def _scan(
        self,
        m: Module,
        read,
        write,
        encoder: Encoder,
        scanning: Signal,
        row: Signal,
        last: Signal,
        word_bits: int,
    ):
        """The row of a TICK: two words under way, the one that memory gives and the one to be sent."""
        plan = self._plan
        word, asked = Signal(range(plan.words + 1)), Signal(range(max(plan.words, 2)))
        reading, sending, final = Signal(), Signal(), Signal()
        mask, number = Signal(GROUP, reset_less=True), Signal.like(asked, reset_less=True)
        advance, passes = Signal(), Signal()
        rows = row[: len(row) if plan.rows > 1 else 0]
        m.d.comb += [
            encoder.i.p.mask.eq(mask),
            encoder.i.p.word.eq(number),
            encoder.i.p.end.eq(final),
            encoder.i.p.last.eq(final & last),
            encoder.i.valid.eq(sending & (mask.any() | final)),
            passes.eq(encoder.i.ready | ~(mask.any() | final)),
            advance.eq(~sending | passes),
        ]
        with m.If(scanning):
            m.d.comb += [
                read.addr.eq(Cat(word[:word_bits], rows)),
                read.en.eq(advance & (word != plan.words)),
            ]
            with m.If(advance):
                m.d.sync += [
                    reading.eq(word != plan.words),
                    asked.eq(word),
                    sending.eq(reading),
                    mask.eq(read.data),
                    number.eq(asked),
                    final.eq(asked == plan.words - 1),
                ]
                with m.If(word != plan.words):
                    m.d.sync += word.eq(word + 1)
                # What was read is emptied.
                m.d.comb += [write.addr.eq(Cat(asked[:word_bits], rows)), write.en.eq(reading)]
            with m.If(sending & final & passes):
                m.d.sync += [scanning.eq(0), word.eq(0), sending.eq(0), final.eq(0)]
                m.d.sync += row.eq(Mux(row == plan.rows - 1, 0, row + 1))


_BIT = GROUP.bit_length() - 1
