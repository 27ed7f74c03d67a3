"""Words of weight memories, read back."""


def unpack(word, lanes, bits):
    """The signed weights of a memory word."""
    codes = [word >> bits * j & (1 << bits) - 1 for j in range(lanes)]
    if bits == 1:
        return [1 - 2 * code for code in codes]
    return [code - (code >> (bits - 1) << bits) for code in codes]
