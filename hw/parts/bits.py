"""Bit tricks as shallow trees of 4-input functions (a carry chain across a wide mask is slower)."""

from amaranth.hdl import Cat, Const, Module, Signal, Value

GROUP = 4


def lowest_bit(m: Module, mask: Value) -> Value:
    """One-hot of the lowest set bit of `mask`, 0 if none; depth grows with log4 of the width."""
    if len(mask) <= GROUP:
        return Cat(mask[i] & ~mask[:i].any() if i else mask[0] for i in range(len(mask)))
    groups, some = _groups(m, mask)
    # The lowest group with a set bit is found the same way, one level up.
    chosen = Signal(len(groups))
    m.d.comb += chosen.eq(lowest_bit(m, some))
    return Cat(lowest_bit(m, group) & chosen[i].replicate(len(group)) for i, group in enumerate(groups))


def several(m: Module, mask: Value) -> Value:
    """1 if two or more bits of `mask` are set."""
    if len(mask) <= 1:
        return Const(0, 1)
    if len(mask) <= GROUP:
        return Cat(mask[i] & mask[i + 1 :].any() for i in range(len(mask) - 1)).any()
    groups, some = _groups(m, mask)
    return Cat(several(m, group) for group in groups).any() | several(m, some)


def _groups(m: Module, mask: Value) -> tuple[list[Value], Signal]:
    """`mask` in groups of 4, and a signal of which of them hold a set bit.

    A signal, since an expression used twice is built twice: the tree would grow with the square of
    the width and worse.
    """
    groups = [mask[i : i + GROUP] for i in range(0, len(mask), GROUP)]
    some = Signal(len(groups))
    m.d.comb += some.eq(Cat(group.any() for group in groups))
    return groups, some
