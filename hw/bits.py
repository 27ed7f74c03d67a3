"""Bit tricks as shallow trees of 4-input functions (a carry chain across a wide mask is slower)."""

from amaranth.hdl import Cat, Const, Value

GROUP = 4


def lowest_bit(mask: Value) -> Value:
    """One-hot of the lowest set bit of `mask`, 0 if none; depth grows with log4 of the width."""
    if len(mask) <= GROUP:
        return Cat(mask[i] & ~mask[:i].any() if i else mask[0] for i in range(len(mask)))
    groups = _groups(mask)
    # The lowest group with a set bit is found the same way, one level up.
    chosen = lowest_bit(Cat(group.any() for group in groups))
    return Cat(lowest_bit(group) & chosen[i].replicate(len(group)) for i, group in enumerate(groups))


def several(mask: Value) -> Value:
    """1 if two or more bits of `mask` are set."""
    if len(mask) <= 1:
        return Const(0, 1)
    if len(mask) <= GROUP:
        return Cat(mask[i] & mask[i + 1 :].any() for i in range(len(mask) - 1)).any()
    groups = _groups(mask)
    return Cat(several(group) for group in groups).any() | several(Cat(group.any() for group in groups))


def _groups(mask: Value) -> list[Value]:
    return [mask[i : i + GROUP] for i in range(0, len(mask), GROUP)]
