"""What proofs are built from: free inputs, assumptions and assertions around a component."""

from collections.abc import Sequence

from amaranth.hdl import Assert, Assume, Cat, Const, Module, ShapeLike, Signal, Value, ValueLike


class Bench:
    """A module `m` under proof. Inputs made by `free` take any value in any clock, and so does reset.

    Assertions must hold in every clock of every run that meets the assumptions so far.
    """

    def __init__(self):
        self.m = Module()
        self.ports: list[Signal] = []

    def free(self, shape: ShapeLike, name: str) -> Signal:
        """An input that the solver chooses anew in each clock."""
        signal = Signal(shape, name=name)
        self.ports.append(signal)
        return signal

    def constant(self, shape: ShapeLike, name: str) -> Signal:
        """An input that the solver chooses once: it is the same in all clocks."""
        signal = self.free(shape, name)
        past, known = Signal(shape, name=f"{name}_past", reset_less=True), Signal(reset_less=True)
        self.m.d.sync += [past.eq(signal), known.eq(1)]
        self.assume(~known | (signal == past))
        return signal

    def assume(self, condition: ValueLike) -> None:
        self.m.d.comb += Assume(condition)

    def holds(self, condition: ValueLike, when: ValueLike = 1) -> None:
        """Assert `condition` in every clock in which `when`."""
        self.m.d.comb += Assert(~Value.cast(when).bool() | condition)

    def past(self, value: ValueLike, clocks: int = 1) -> Value:
        """`value` as it was some clocks ago; 0 where reset or the start came between."""
        value = Value.cast(value)
        for _ in range(clocks):
            later = Signal(value.shape())
            self.m.d.sync += later.eq(value)
            value = later
        return value

    def offered_stays(self, valid: Value, ready: Value, payload: ValueLike) -> None:
        """AXI-Stream: a beat once offered stays, unchanged, until it is taken."""
        payload = Value.cast(payload)
        refused, was = Signal(), Signal.like(payload)
        self.m.d.sync += [refused.eq(valid & ~ready), was.eq(payload)]
        self.holds(valid, when=refused)
        self.holds(payload == was, when=refused)

    def comes_within(self, clocks: int, what: Value, when: Value) -> None:
        """`what` never stays away for more than `clocks` clocks in a row while `when`."""
        waited = Signal(range(clocks + 2))
        with self.m.If(when & ~what):
            self.m.d.sync += waited.eq(waited + 1)
        with self.m.Else():
            self.m.d.sync += waited.eq(0)
        self.holds(waited <= clocks)

    def in_order(
        self,
        *,
        pushed: Value,
        expected: Sequence[Value],
        popped: Value,
        payload: Value,
        most: int,
    ) -> Signal:
        """The outputs are exactly the expected ones: none lost, doubled, reordered or invented.

        In a clock, `pushed` outputs become due, `expected[0]`, `expected[1]`, ... of them, and one
        is given if `popped`. One of the due outputs, freely chosen among all that there ever
        are, is followed to its turn; since it may be any, all come in their order. Never are more
        than `most` due. Returns how many are due.
        """
        due, ahead = Signal(range(most + 1)), Signal(range(most + 1))
        following, followed = Signal(), Signal()
        chosen, awaited = Signal.like(payload), Signal.like(payload)
        pick = self.free(1, "pick")
        offset = self.free(range(max(len(expected), 2)), "offset")
        after = Signal(range(most + len(expected) + 2))
        self.m.d.comb += after.eq(due + pushed - popped)
        self.m.d.sync += due.eq(after)
        self.holds(due != 0, when=popped)
        self.holds(after <= most)
        with self.m.Switch(offset):
            for index, one in enumerate(expected):
                with self.m.Case(index):
                    self.m.d.comb += chosen.eq(one)
        with self.m.If(pick & ~following & ~followed & (offset < pushed)):
            self.m.d.sync += [following.eq(1), ahead.eq(due - popped + offset), awaited.eq(chosen)]
        with self.m.If(following & popped):
            self.m.d.sync += ahead.eq(ahead - 1)
            with self.m.If(ahead == 0):
                self.m.d.sync += [following.eq(0), followed.eq(1)]
        self.holds(payload == awaited, when=following & popped & (ahead == 0))
        return due


def popcount(value: Value) -> Value:
    """How many bits are set."""
    total = Const(0, 1)
    for bit in Value.cast(value):
        total = total + bit
    return total


def packed(*fields: ValueLike) -> Value:
    return Cat(*fields)
