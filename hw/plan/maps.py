"""Maps inside a core: an address is the bit fields {y, x, c}, so no stage multiplies or divides."""

import dataclasses
from math import gcd
from typing import NamedTuple

import numpy as np


@dataclasses.dataclass(frozen=True)
class MapFields:
    """How the addresses of a map [height, width, channels] lie in bits: y highest, c lowest.

    Each field is as wide as its coordinate needs, so some addresses mean nothing: padding.
    """

    height: int
    width: int
    channels: int

    @property
    def y_bits(self) -> int:
        return (self.height - 1).bit_length()

    @property
    def x_bits(self) -> int:
        return (self.width - 1).bit_length()

    @property
    def c_bits(self) -> int:
        return (self.channels - 1).bit_length()

    @property
    def addresses(self) -> int:
        """Addresses of the rows that there are, padding included."""
        return self.height << self.x_bits << self.c_bits

    def address(self, y: int, x: int, c: int) -> int:
        return (y << self.x_bits | x) << self.c_bits | c

    def split(self, address: int) -> tuple[int, int, int]:
        """(y, x, c) of an address."""
        x = address >> self.c_bits & (1 << self.x_bits) - 1
        return address >> self.x_bits >> self.c_bits, x, address & (1 << self.c_bits) - 1

    @property
    def sent(self) -> np.ndarray:
        """Which number in the flat, channel-last order each address means, int64; -1 for padding."""
        flat = np.arange(self.height * self.width * self.channels)
        numbers = flat.reshape(self.height, self.width, self.channels)
        behind = [(0, 0), (0, (1 << self.x_bits) - self.width), (0, (1 << self.c_bits) - self.channels)]
        return np.pad(numbers, behind, constant_values=-1).reshape(-1)

    @property
    def divisions(self) -> list[tuple[str, int, int]]:
        """What divides a flat address into fields: (the field found, divisor, digits of two bits) each.

        None where the flat address is made of the fields.
        """
        found = []
        row = self.width * self.channels
        if self.height > 1 and row & (row - 1):
            found.append(("y", row, -(-self.y_bits // 2)))
        if self.width > 1 and self.channels & (self.channels - 1):
            found.append(("x", self.channels, -(-self.x_bits // 2)))
        return found

    @property
    def division_clocks(self) -> int:
        return sum(digits for _, _, digits in self.divisions)


class Taps(NamedTuple):
    """The outputs of one axis that an input coordinate reaches.

    `first`, `first + step`, ...: so many `outputs`, seen through the kernel at `kernel`, `kernel - back`, ...
    """

    first: int
    kernel: int
    outputs: int


@dataclasses.dataclass(frozen=True)
class Axis:
    """A convolution along one axis: output o sees input o * stride - padding + k * dilation."""

    inputs: int
    outputs: int
    kernel: int
    stride: int
    padding: int
    dilation: int

    @property
    def step(self) -> int:
        """From one output that an input reaches to the next one."""
        return self.dilation // gcd(self.stride, self.dilation)

    @property
    def back(self) -> int:
        """By how much the place in the kernel falls at such a step."""
        return self.stride // gcd(self.stride, self.dilation)

    def taps(self, place: int) -> Taps:
        """What input `place` reaches; all zeros if nothing."""
        pairs = [
            (o, k)
            for o in range(self.outputs)
            for k in range(self.kernel)
            if o * self.stride - self.padding + k * self.dilation == place
        ]
        return Taps(*pairs[0], len(pairs)) if pairs else Taps(0, 0, 0)

    def table(self) -> list[Taps]:
        """The taps of every input coordinate."""
        return [self.taps(place) for place in range(self.inputs)]

    def pairs(self, place: int) -> list[tuple[int, int]]:
        """(output, place in the kernel) in the order in which the hardware steps through them."""
        first, kernel, outputs = self.taps(place)
        return [(first + i * self.step, kernel - i * self.back) for i in range(outputs)]
