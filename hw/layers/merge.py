"""Several streams of events in front of a layer become one."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.events import event_layout, word_shape
from ..plan.merge import GROUP, MergePlan
from .encoder import Encoder


class _Merge(wiring.Component):
    """What both kinds have: streams `i0`, `i1`, ... taken one after the other, a step of each, and `o`."""

    def __init__(self, plan: MergePlan):
        self._plan = plan
        members = {
            f"i{k}": In(stream.Signature(event_layout(plan.addresses, source.most)))
            for k, source in enumerate(plan.before)
        }
        super().__init__(members | {"o": Out(stream.Signature(event_layout(plan.addresses, plan.most)))})

    def _take_turns(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """The event whose turn it is, whether there is one, and whether it is taken: to be driven."""
        inputs = [getattr(self, f"i{k}") for k in range(len(self._plan.before))]
        self._most = most = max(source.most for source in self._plan.before)
        event = Signal(event_layout(self._plan.addresses, most))
        valid, take = Signal(), Signal()
        self._turn, self._final = Signal(range(len(inputs)), name="turn"), Signal(name="final")
        with m.Switch(self._turn):
            for k, i in enumerate(inputs):
                with m.Case(k):
                    m.d.comb += [
                        event.address.eq(i.p.address),
                        event.tick.eq(i.p.tick),
                        event.last.eq(i.p.last),
                        valid.eq(i.valid),
                        i.ready.eq(take),
                        self._final.eq(k == len(inputs) - 1),
                    ]
                    if most > 1:
                        m.d.comb += event.times.eq(i.p.times if self._plan.before[k].most > 1 else 1)
        with m.If(valid & take & event.tick):
            m.d.sync += self._turn.eq(Mux(self._final, 0, self._turn + 1))
        return event, valid, take


class AddStage(_Merge):
    """Lets the events of all its sources through, and a TICK when all of them have come to theirs.

    No register between an input and `o`: latency 0, an event a clock; a TICK that is not the last source's
    takes a clock.

    Members: `i0`, `i1`, ... (In streams of events), `o` (Out stream).
    """

    def elaborate(self, platform):
        m = Module()
        event, valid, take = self._take_turns(m)
        passes = Signal()
        m.d.comb += [
            passes.eq(~event.tick | self._final),
            self.o.valid.eq(valid & passes),
            take.eq(self.o.ready | ~passes),
            self.o.p.address.eq(event.address),
            self.o.p.tick.eq(event.tick),
            self.o.p.last.eq(event.last),
        ]
        if self._plan.most > 1:
            m.d.comb += self.o.p.times.eq(event.times)
        return m


class GatherStage(_Merge):
    """Notes what its sources send in a step, and then sends what MergePlan.leaves says of it.

    An event takes 2 clocks, a TICK 1. After the last source's the words of the memory are read and emptied,
    one a clock, while the encoder takes those with something in them. After reset they are emptied as well.

    Members: `i0`, `i1`, ... (In streams of events), `o` (Out stream).
    """

    def elaborate(self, platform):
        m = Module()
        plan, event, valid, take = self._plan, *self._take_turns(m)
        words, sources = plan.words, len(plan.before)
        m.submodules.rows = rows = Memory(shape=data.ArrayLayout(GROUP, sources), depth=words, init=[])
        read, write = rows.read_port(), rows.write_port()
        m.submodules.encoder = encoder = Encoder(plan)
        wiring.connect(m, encoder.o, wiring.flipped(self.o))

        # An event whose bit is being set.
        full, address, source = Signal(), Signal.like(event.address), Signal.like(self._turn)
        # A word that is read and emptied, at first after reset.
        sweeping, quiet, last = Signal(init=1), Signal(init=1), Signal()
        word, end, moves, wanted = Signal(word_shape(words)), Signal(), Signal(), Signal()
        begins, mask, bit = Signal(), Signal(GROUP), Signal(GROUP)
        # What counts no times is no spike.
        counts = event.times.any() if self._most > 1 else Const(1, 1)
        m.d.comb += [
            take.eq(~full & ~sweeping),
            begins.eq(valid & take & event.tick & self._final),
            end.eq(word == words - 1),
            wanted.eq(~quiet & (mask.any() | end)),
            moves.eq(sweeping & (~wanted | encoder.i.ready)),
            encoder.i.valid.eq(sweeping & wanted),
            encoder.i.p.mask.eq(mask),
            encoder.i.p.word.eq(word),
            encoder.i.p.end.eq(end),
            encoder.i.p.last.eq(last),
            read.addr.eq(Mux(sweeping, word + 1, Mux(begins, 0, event.address >> 3))),
            read.en.eq(take | moves),
            bit.eq(1 << address[:3]),
            write.addr.eq(Mux(sweeping, word, address >> 3)),
            write.en.eq(full | moves),
        ]
        kept = Const(-1, GROUP)
        for k in range(sources):
            kept &= ~read.data[k] if k == plan.without else read.data[k]
            m.d.comb += write.data[k].eq(Mux(sweeping, 0, read.data[k] | Mux(source == k, bit, 0)))
        m.d.comb += mask.eq(kept)
        m.d.sync += full.eq(valid & take & ~event.tick & counts)
        with m.If(take):
            m.d.sync += [address.eq(event.address), source.eq(self._turn), last.eq(event.last)]
        with m.If(begins):
            m.d.sync += sweeping.eq(1)
        with m.If(moves):
            m.d.sync += word.eq(word + 1)
            with m.If(end):
                m.d.sync += [sweeping.eq(0), quiet.eq(0), word.eq(0)]
        return m


def merge_stage(plan: MergePlan) -> AddStage | GatherStage:
    """What stands in front of a layer with several sources."""
    return GatherStage(plan) if plan.gathers else AddStage(plan)
