"""A wide convolution: every event changes one word in each bank that it reaches, all in one clock."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..layers.neurons import repeated
from ..parts.arithmetic import clamp, leak
from ..parts.events import mask_layout
from ..plan.wide_conv import WideConvPlan
from ..plan.words import signed_bits
from .layer import REPLICA
from .places import coordinate, place_layout


class WideConv(wiring.Component):
    """A convolution's neurons in LUT RAM, each bank a word of all channels for each of its rows.

    An event takes one clock: tables give its row and its place in the kernel for each bank, a copy of the
    weights in each bank gives a row of weights, and 3 clocks after the event was taken the word is read,
    added to and written in a single clock. A TICK visits the R rows that there are one after the other, all
    banks at once: read, clamped and compared, reset and leaked, and written 3 clocks after it was read. It
    begins a row only with `room` for its spikes. The next event is taken R + 3 clocks after the TICK, so a
    step of E events takes E + R + 3 clocks. Spikes of the r-th row come r + 6 clocks after the TICK was
    taken. After reset a sweep that sends nothing fills the memories: the first event is taken R + 2 clocks
    later.

    Where an event may count several times, its weights are multiplied on the way from their memory, by
    additions of shifted copies and without another clock. A layer that holds its input gathers the events of
    step 0 in memories of their own, which every sweep adds to the membranes and the frame's last one empties;
    events of later steps change nothing.

    Members: `i` (In stream of events, see place_layout), `spikes` (Out, a row of all banks), `spikes_valid`
    (Out), `begin` (Out: a row's spikes are on their way), `room` (In).
    """

    def __init__(self, plan: WideConvPlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(place_layout(plan.seen, plan.most))),
                "spikes": Out(mask_layout(plan.lanes, plan.words)),
                "spikes_valid": Out(1),
                "begin": Out(1),
                "room": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        vertical, horizontal = plan.axes
        taken = Signal()
        m.d.comb += taken.eq(self.i.valid & self.i.ready)
        down = self._taps(m, "rows", coordinate(self.i.p, "y"))
        across = self._taps(m, "columns", coordinate(self.i.p, "x"))
        event, counts = Signal(), Const(1)
        c: Value = coordinate(self.i.p, "c")
        if len(c):
            c = Signal.like(self.i.p.c, reset_less=True)
            m.d.sync += c.eq(self.i.p.c)
        if plan.layer.hold:
            counts = Signal(init=1)
            with m.If(taken & self.i.p.tick):
                m.d.sync += counts.eq(self.i.p.last)
        m.d.sync += event.eq(taken & ~self.i.p.tick & counts)
        times = None
        if plan.most > 1:
            times = Signal.like(self.i.p.times, reset_less=True)
            m.d.sync += times.eq(self.i.p.times)

        turn = self._sweep(m, taken)
        # Behind an event's tables or a row's turn: 1 banks' addresses, weights read; 2 state read.
        stages = [turn]
        for k in range(1, 6):
            later = Signal(turn.shape(), name=f"turn_{k}")
            m.d.sync += later.eq(stages[-1])
            stages.append(later)
        fired = []
        for by in range(vertical.banks):
            for bx in range(horizontal.banks):
                bank = by * horizontal.banks + bx
                hit = Signal(name=f"hit_{bank}")
                row = Signal(range(plan.words), name=f"row_{bank}", reset_less=True)
                m.d.sync += [
                    hit.eq(event & down[by].hit & across[bx].hit),
                    row.eq(Mux(turn.valid, turn.row, Cat(across[bx].row, down[by].row))),
                ]
                address = Cat(across[bx].kernel, down[by].kernel, c)
                weights = self._weights(m, bank, address, times)
                fired += self._bank(m, bank, hit, row, weights, stages, plan.places[:, bank * plan.channels])
        m.d.comb += [
            self.spikes.mask.eq(Cat(fired)),
            self.spikes.word.eq(stages[5].row),
            self.spikes.end.eq(stages[5].final),
            self.spikes.last.eq(stages[5].last),
            self.spikes_valid.eq(stages[5].valid & ~stages[5].quiet),
        ]
        return m

    def _taps(self, m: Module, name: str, code: Value) -> list:
        """What the table of an axis says of a code in each bank, a clock later: hit, row, kernel."""
        width, rows = self._plan.tap_rows(name)
        y_bits, x_bits = self._plan.kernel_bits
        vertical, horizontal = self._plan.axes
        axis, kernel = (vertical, y_bits) if name == "rows" else (horizontal, x_bits)
        one = data.StructLayout({"hit": 1, "row": axis.row_bits, "kernel": kernel})
        layout = data.ArrayLayout(one, axis.banks)
        found = Signal(layout, name=f"{name}_taps", reset_less=True)
        if len(rows) == 1:
            m.d.comb += found.eq(rows[0])
            return [found[b] for b in range(axis.banks)]
        memory = Memory(shape=width, depth=len(rows), init=rows)
        m.submodules[name] = memory
        port = memory.read_port(domain="comb")
        m.d.comb += port.addr.eq(code)
        m.d.sync += Value.cast(found).eq(port.data)
        return [found[b] for b in range(axis.banks)]

    def _sweep(self, m: Module, taken: Value):
        """The row whose turn it is; a TICK begins a sweep, and so does reset, quietly."""
        plan = self._plan
        vertical, horizontal = plan.axes
        turn = Signal(
            data.StructLayout({"valid": 1, "row": range(plan.words), "final": 1, "last": 1, "quiet": 1}),
            name="turn",
        )
        free, sweeping, settle = Signal(), Signal(init=1), Signal(2)
        last, quiet = Signal(init=1), Signal(init=1)
        y, x = Signal(range(vertical.rows)), Signal(range(horizontal.rows))
        final, done = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(free),
            turn.valid.eq(sweeping & (self.room | quiet)),
            turn.row.eq(Cat(x[: horizontal.row_bits], y[: vertical.row_bits])),
            final.eq((y == vertical.rows - 1) & (x == horizontal.rows - 1)),
            turn.final.eq(final),
            turn.last.eq(last),
            turn.quiet.eq(quiet),
            self.begin.eq(turn.valid & ~quiet),
            done.eq(turn.valid & final),
        ]
        with m.If(turn.valid):
            m.d.sync += x.eq(Mux(x == horizontal.rows - 1, 0, x + 1))
            with m.If(x == horizontal.rows - 1):
                m.d.sync += y.eq(Mux(y == vertical.rows - 1, 0, y + 1))
        # An event taken 3 clocks after the last row's turn reads a clock after that row was written.
        m.d.sync += settle.eq(Cat(done, settle[0]))
        with m.If(done):
            m.d.sync += [sweeping.eq(0), quiet.eq(0)]
        with m.If(settle[1]):
            m.d.sync += free.eq(1)
        with m.If(taken & self.i.p.tick):
            m.d.sync += [free.eq(0), sweeping.eq(1), last.eq(self.i.p.last)]
        return turn

    def _weights(self, m: Module, bank: int, address: Value, times: Value | None) -> list[Value]:
        """The weights at `address`, as often as the event counts, two clocks later; a channel each."""
        plan, bits = self._plan, self._plan.layer.spec.weight_bits
        memory = Memory(shape=plan.weight_word_bits, depth=plan.weight_words, init=plan.weight_image())
        m.submodules[f"weights_{bank}"] = memory
        port = memory.read_port()
        m.d.comb += port.addr.eq(address)
        codes = [port.data[channel * bits : (channel + 1) * bits] for channel in range(plan.channels)]
        if times is None:
            row = Signal(plan.weight_word_bits, name=f"weights_row_{bank}", reset_less=True)
            m.d.sync += row.eq(port.data)
            return [_weight(row[channel * bits : (channel + 1) * bits]) for channel in range(plan.channels)]
        later = Signal.like(times, name=f"times_{bank}", reset_less=True, attrs=REPLICA)
        m.d.sync += later.eq(times)
        found = []
        for channel, code in enumerate(codes):
            product = repeated(_weight(code), later)
            register = Signal(product.shape(), name=f"product_{bank}_{channel}", reset_less=True)
            m.d.sync += register.eq(product)
            found.append(register)
        return found

    def _bank(self, m, bank, hit, row, weights, stages, neurons) -> list[Signal]:
        """The lanes of a bank, in groups; returns whether each fires."""
        plan = self._plan
        exists = self._exists(m, bank, stages[3], neurons)
        fired = []
        for lanes in plan.lane_groups:
            name = f"{bank}_{lanes.start}"
            memory = Memory(shape=data.ArrayLayout(plan.state_bits, len(lanes)), depth=plan.words, init=[])
            m.submodules[f"state_{name}"] = memory
            read, write = memory.read_port(domain="comb"), memory.write_port()
            held = self._held(m, name, lanes) if plan.layer.hold else None
            from_row = Signal.like(row, name=f"from_{name}", attrs=REPLICA, reset_less=True)
            to_row = Signal.like(row, name=f"to_{name}", attrs=REPLICA, reset_less=True)
            add = Signal(name=f"add_{name}", attrs=REPLICA)
            back = Signal(name=f"back_{name}", attrs=REPLICA)
            clear = Signal(name=f"clear_{name}", attrs=REPLICA, reset_less=True)
            m.d.sync += [
                from_row.eq(row),
                to_row.eq(Mux(stages[4].valid, stages[4].row, row)),
                add.eq(hit),
                back.eq(stages[4].valid),
                clear.eq(stages[3].last),
            ]
            m.d.comb += [read.addr.eq(from_row), write.addr.eq(to_row)]
            m.d.comb += write.en.eq(back if held else add | back)
            if held:
                emptied = Signal(name=f"emptied_{name}", attrs=REPLICA)
                m.d.sync += emptied.eq(stages[4].valid & stages[4].last)
                m.d.comb += [held[0].addr.eq(from_row), held[1].addr.eq(to_row)]
                m.d.comb += held[1].en.eq(add | emptied)
            for place, channel in enumerate(lanes):
                gathered = None
                if held:
                    gathered = held[0].data[place].as_signed()
                    m.d.comb += held[1].data[place].eq(Mux(emptied, 0, gathered + weights[channel]))
                fires, word = self._lane(
                    m, bank, channel, read.data[place], weights[channel], gathered, back, clear, exists
                )
                m.d.comb += write.data[place].eq(word)
                fired.append(fires)
        return fired

    def _held(self, m: Module, name: str, lanes: range):
        """(read port, write port) of the memory of currents that are held for a frame."""
        layout = data.ArrayLayout(self._plan.held_bits, len(lanes))
        m.submodules[f"held_{name}"] = memory = Memory(shape=layout, depth=self._plan.words, init=[])
        return memory.read_port(domain="comb"), memory.write_port()

    def _exists(self, m: Module, bank: int, turn, neurons) -> Value:
        """Whether the bank has neurons in the row of `turn`, a clock later; 1 where it always has."""
        words = [w for w in self._plan.sweep if neurons[w] < 0]
        if not words:
            return Const(1)
        here = Signal(name=f"exists_{bank}")
        m.d.sync += here.eq(~Cat(turn.row == w for w in words).any())
        return here

    def _lane(self, m, bank, channel, read, weight, held, back, clear, exists) -> tuple[Signal, Value]:
        """A channel of a bank; returns whether it fires and the word to write.

        Clock 0: the word is read, and an event's weight added to it; of a sweep, clock 1: clamp and
        threshold; 2: reset, leak, the next step's bias; 3: written.
        """
        plan, spec = self._plan, self._plan.layer.spec
        name = f"{bank * plan.channels + channel}"
        bias, threshold = int(plan.biases[0, channel]), int(plan.thresholds[0, channel])
        gathered = read[: plan.accumulator_bits].as_signed()
        start = Const(bias, signed(signed_bits(bias, bias)))
        total = Signal(signed(plan.accumulator_bits), name=f"total_{name}", reset_less=True)
        u = Signal(signed(spec.state_bits), name=f"u_{name}", reset_less=True)
        above = Signal(signed(spec.state_bits + 1), name=f"above_{name}", reset_less=True)
        v = Signal(signed(plan.accumulator_bits), name=f"v_{name}", reset_less=True)
        clamped = Signal.like(u, name=f"clamped_{name}")
        m.d.comb += clamped.eq(clamp(total, spec.state_bits))
        # What is held stands for the weights of every step.
        m.d.sync += [
            total.eq(gathered if held is None else gathered + held),
            u.eq(clamped),
            above.eq(clamped - threshold),
        ]
        fires = Signal(name=f"fires_{name}")
        spike = Signal(name=f"spike_{name}", reset_less=True)
        after = Signal(signed(spec.state_bits), name=f"after_{name}")
        m.d.comb += after.eq(Mux(fires, above if spec.reset == "subtract" else 0, u))
        m.d.sync += [
            v.eq(start if spec.forget else Mux(clear, start, leak(after, spec.leak_shift) + start)),
            spike.eq(fires),
        ]
        word = v
        if held is None:
            added = Signal(signed(plan.accumulator_bits), name=f"added_{name}")
            m.d.comb += added.eq(gathered + weight)
            word = Mux(back, v, added)
        word = word[: plan.accumulator_bits]
        if not spec.single_spike:
            m.d.comb += fires.eq((above >= 0) & exists)
            return spike, word
        before = [Signal(name=f"before_{name}_{k}", reset_less=True) for k in range(2)]
        later = Signal(name=f"fired_{name}", reset_less=True)
        m.d.sync += [before[0].eq(read[-1]), before[1].eq(before[0]), later.eq((before[1] | fires) & ~clear)]
        m.d.comb += fires.eq((above >= 0) & exists & ~before[1])
        return spike, Cat(word, Mux(back, later, read[-1]))


def _weight(code: Value) -> Value:
    """The signed weight of a code; a binary one is its sign."""
    return Mux(code, Const(-1, signed(2)), Const(1, signed(2))) if len(code) == 1 else code.as_signed()
