"""Integers as bits of hardware: the width that holds them, and words of several."""

import numpy as np


def signed_bits(low: int, high: int) -> int:
    """Fewest bits of two's complement that hold every integer of low..high."""
    return max(1, (high if high >= 0 else 0).bit_length() + 1, (~low if low < 0 else 0).bit_length() + 1)


def pack_words(lanes: np.ndarray, bits: int) -> list[int]:
    """[words, P] non-negative codes of `bits` bits -> one Python integer per word, lane 0 lowest."""
    exploded = (lanes[:, :, None] >> np.arange(bits)) & 1
    flat = exploded.reshape(len(lanes), -1).astype(np.uint8)
    packed = np.packbits(flat, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
