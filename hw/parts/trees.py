"""Adder trees, plain and registered."""

from collections.abc import Sequence

from amaranth.hdl import Module, Signal, Value


def tree_sum(values: Sequence[Value]) -> Value:
    """Balanced sum."""
    values = list(values)
    while len(values) > 1:
        values = _pairs(values)
    return values[0]


def registered_sum(m: Module, values: Sequence[Value], levels: int, name: str) -> Value:
    """Balanced sum with a register behind every `levels` levels and behind the last: hw/plan/wide.py's
    `stages(len(values), levels)` clocks."""
    return registered_sums(m, values, levels, name, 1)[0]


def registered_sums(m: Module, values: Sequence[Value], levels: int, name: str, left: int) -> list[Value]:
    """The same down to the last `left` partial sums."""
    values, stage = list(values), 0
    while len(values) > left:
        for _ in range(levels):
            if len(values) > left:
                values = _pairs(values)
        registers = [
            Signal(value.shape(), name=f"{name}_{stage}_{i}", reset_less=True)
            for i, value in enumerate(values)
        ]
        m.d.sync += [register.eq(value) for register, value in zip(registers, values, strict=True)]
        values, stage = registers, stage + 1
    return values


def _pairs(values):
    sums = [a + b for a, b in zip(values[::2], values[1::2], strict=False)]
    return sums + ([values[-1]] if len(values) % 2 else [])
