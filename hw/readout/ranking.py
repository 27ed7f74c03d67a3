"""The nearest and the second nearest of distances that come one per clock."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Ranking(wiring.Component):
    """Keeps the two smallest of the distances presented since `start`; a tie goes to the earlier one.

    Distances may come in any clock after `start`, with pauses; one presented in clock p counts in the
    outputs from p + 3 on. A distance meets the best one while the distance before it is still being
    decided on: so it is also compared with that one, and the decision says which comparison counts.

    Members (In): `start`; `valid`, `distance` (`bits` bits, never all ones) and `index` of a distance.
    (Out): `best` and `second` (all ones until there is one), `nearest` (the best one's index).
    """

    def __init__(self, bits: int, indices: int):
        super().__init__(
            {
                "start": In(1),
                "valid": In(1),
                "distance": In(bits),
                "index": In(range(max(indices, 2))),
                "best": Out(bits),
                "second": Out(bits),
                "nearest": Out(range(max(indices, 2))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bits = len(self.distance)
        distance, before, settled = (Signal(bits, reset_less=True) for _ in range(3))
        best, second = (Signal(bits, reset_less=True) for _ in range(2))
        order, candidate, nearest = (Signal.like(self.index, reset_less=True) for _ in range(3))
        comparing, deciding = Signal(), Signal()
        m.d.sync += [
            comparing.eq(self.valid),
            deciding.eq(comparing),
            order.eq(self.index),
            candidate.eq(order),
            distance.eq(self.distance),
            before.eq(distance),
            settled.eq(distance),
        ]
        below_best, below_before, below_second = (Signal(reset_less=True) for _ in range(3))
        m.d.sync += [
            below_best.eq(distance < best),
            below_before.eq(distance < before),
            below_second.eq(distance < second),
        ]
        was_nearest, was_second = Signal(), Signal()
        is_nearest, is_second = Signal(), Signal()
        m.d.comb += [
            is_nearest.eq(Mux(was_nearest, below_before, below_best)),
            is_second.eq(Mux(was_nearest, below_best, Mux(was_second, below_before, below_second))),
            self.best.eq(best),
            self.second.eq(second),
            self.nearest.eq(nearest),
        ]
        m.d.sync += [was_nearest.eq(deciding & is_nearest), was_second.eq(deciding & ~is_nearest & is_second)]
        with m.If(self.start):
            m.d.sync += [best.eq(~0), second.eq(~0)]
        with m.Elif(deciding & is_nearest):
            m.d.sync += [best.eq(settled), nearest.eq(candidate), second.eq(best)]
        with m.Elif(deciding & is_second):
            m.d.sync += second.eq(settled)
        return m
