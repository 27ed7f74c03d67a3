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


def three(m: Module, mask: Value) -> Value:
    """1 if three or more bits of `mask` are set."""
    # Of each part whether it has at least one, two and three, pair by pair up the tree.
    counts: list[Value] = [Cat(bit, Const(0, 2)) for bit in mask]
    while len(counts) > 1:
        pairs = list(zip(counts[::2], counts[1::2], strict=False))
        joined = [Signal(3, name=f"at_least_{len(counts)}_{k}") for k in range(len(pairs))]
        for both, (a, b) in zip(joined, pairs, strict=True):
            two = a[1] | b[1] | (a[0] & b[0])
            m.d.comb += both.eq(Cat(a[0] | b[0], two, a[2] | b[2] | (a[1] & b[0]) | (a[0] & b[1])))
        counts = [*joined, *counts[2 * len(pairs) :]]
    return counts[0][2]


def _groups(m: Module, mask: Value) -> tuple[list[Value], Signal]:
    """`mask` in groups of 4, and a signal of which of them hold a set bit.

    A signal, since an expression used twice is built twice: the tree would grow with the square of
    the width and worse.
    """
    groups = [mask[i : i + GROUP] for i in range(0, len(mask), GROUP)]
    some = Signal(len(groups))
    m.d.comb += some.eq(Cat(group.any() for group in groups))
    return groups, some
