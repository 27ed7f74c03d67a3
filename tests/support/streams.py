"""Driving a component's stream ports clock by clock in Amaranth's own simulator."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from amaranth.sim import Simulator

PERIOD = 1e-6


@dataclasses.dataclass
class Passed:
    """Clocks in which payloads were taken at `i`, and (clock, payload) of those at `o`."""

    taken: list[int] = dataclasses.field(default_factory=list)
    given: list[tuple[int, Any]] = dataclasses.field(default_factory=list)

    @property
    def outputs(self) -> list[Any]:
        return [payload for _, payload in self.given]

    @property
    def clocks(self) -> list[int]:
        return [clock for clock, _ in self.given]


def bench(dut, testbench, *background) -> None:
    """Run one async testbench to its end against `dut` on a clock, with others beside it."""
    simulator = Simulator(dut)
    simulator.add_clock(PERIOD)
    simulator.add_testbench(testbench)
    for each in background:
        simulator.add_testbench(each, background=True)
    simulator.run()


def pump(
    dut,
    payloads: Sequence[Any],
    *,
    expected: int,
    rng: np.random.Generator | None = None,
    stall_in: float = 0.0,
    stall_out: float = 0.0,
    extra: int = 20,
    each: Callable[[Any, int], None] | None = None,
    settle: int = 0,
    meaning: Callable[[int], Any] = int,
) -> Passed:
    """Send `payloads` into `dut.i` and take `expected` from `dut.o`, then watch for `extra` clocks more.

    In each clock the source pauses with chance `stall_in` and the sink with `stall_out`. Checks that an
    offered payload stays as it is until taken. `each(ctx, clock)` may set or read other members
    before each edge; `settle` clocks pass before the first payload is offered. `meaning` strips what
    carries none (the address of a TICK) from a payload.
    """
    passed = Passed()

    async def testbench(ctx):
        queue, offered, held, clock, after = list(payloads), False, None, 0, 0
        while after < extra:
            if not offered and queue and clock >= settle and not (rng and rng.random() < stall_in):
                ctx.set(dut.i.payload, queue[0])
                offered = True
            ctx.set(dut.i.valid, offered)
            ready = not (rng and rng.random() < stall_out)
            ctx.set(dut.o.ready, ready)
            if each:
                each(ctx, clock)
            taken = offered and ctx.get(dut.i.ready)
            out = meaning(value(ctx.get(dut.o.payload))) if ctx.get(dut.o.valid) else None
            assert held is None or out == held, f"clock {clock}: offered {held}, then {out}"
            if out is not None and ready:
                passed.given.append((clock, out))
            held = out if out is not None and not ready else None
            if taken:
                queue.pop(0)
                passed.taken.append(clock)
                offered = False
            done = not queue and not offered and len(passed.given) >= expected
            after = after + 1 if done else 0
            assert clock < 5000 + 100 * (len(payloads) + expected), f"{passed} after {clock} clocks"
            await ctx.tick()
            clock += 1

    bench(dut, testbench)
    assert len(passed.given) == expected
    return passed


def event(width: int) -> Callable[[int], tuple[int | None, bool]]:
    """Payload with an address of `width` bits -> (address, False), or (None, last) of a TICK."""
    return lambda p: (None, bool(p >> width & 2)) if p >> width & 1 else (p & ((1 << width) - 1), False)


def value(payload) -> int:
    """A sampled payload as an integer."""
    return payload if isinstance(payload, int) else payload.as_bits()
