"""Signed arithmetic as named helpers; each is the twin of an integer function in numerics/lif.py."""

from amaranth.hdl import Cat, Value


def clamp(value: Value, bits: int) -> Value:
    """`value` (signed) limited to `bits` bits, as numpy.clip(value, *state_range(bits)) does.

    Looks at the bits beyond the range instead of comparing: two levels of logic, no carry chain.
    """
    if len(value) <= bits:
        return value
    sign, beyond = value[-1], value[bits - 1 : -1]
    over, under = ~sign & beyond.any(), sign & ~beyond.all()
    magnitude = value[: bits - 1]
    kept = Cat((bit | over) & ~under for bit in magnitude)
    return Cat(kept, sign).as_signed()


def leak(v: Value, shift: int) -> Value:
    """v - (v >> shift), arithmetic shift; v itself for shift 0."""
    return v - (v >> shift) if shift else v
