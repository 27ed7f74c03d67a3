"""Places of a map, numbered inside a wide core: a code for each coordinate, of which some mean none."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Codes:
    """How places of a map are numbered inside a wide core: {y, x, c}, each coordinate a code.

    `ys` and `xs` give the coordinate that each code means, -1 for codes that no event has.
    """

    ys: tuple[int, ...]
    xs: tuple[int, ...]
    channels: int

    @classmethod
    def plain(cls, height: int, width: int, channels: int) -> "Codes":
        """Codes that are the coordinates."""
        return cls(tuple(range(height)), tuple(range(width)), channels)

    @property
    def y_bits(self) -> int:
        return (len(self.ys) - 1).bit_length()

    @property
    def x_bits(self) -> int:
        return (len(self.xs) - 1).bit_length()

    @property
    def c_bits(self) -> int:
        return (self.channels - 1).bit_length()

    @property
    def bits(self) -> int:
        return self.y_bits + self.x_bits + self.c_bits

    @property
    def sent(self) -> np.ndarray:
        """Which number in the flat, channel-last order each address {y, x, c} means, int64; -1: none."""
        width = max(self.xs) + 1
        ys, xs = (
            np.array([*codes, *[-1] * ((1 << bits) - len(codes))])
            for codes, bits in ((self.ys, self.y_bits), (self.xs, self.x_bits))
        )
        cs = np.arange(1 << self.c_bits)
        cs[self.channels :] = -1
        y, x, c = ys[:, None, None], xs[None, :, None], cs[None, None, :]
        found = (y * width + x) * self.channels + c
        return np.where((y < 0) | (x < 0) | (c < 0), -1, found).reshape(-1)

    @property
    def table(self) -> np.ndarray | None:
        """The address {y, x, c} of each flat address, int64; None where they are equal."""
        sent = self.sent
        flat = np.zeros(int(sent.max()) + 1, np.int64)
        flat[sent[sent >= 0]] = np.flatnonzero(sent >= 0)
        return None if np.array_equal(flat, np.arange(len(flat))) else flat
