"""The outputs of a convolution dealt to banks, along each axis, so that no input reaches two of a bank.

An input reaches up to n_y rows of outputs and n_x columns of them: n_y * n_x places, and there are as many
banks.
"""

import dataclasses
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...quant.synapses.conv import Conv
from .maps import Axis


class BankTaps(NamedTuple):
    """What an input coordinate reaches in one bank of an axis: whether anything, its row, the kernel's."""

    hit: int
    row: int
    kernel: int


@dataclasses.dataclass(frozen=True)
class BankAxis:
    """One axis of a convolution, its outputs dealt to banks: neighbours of one input to different ones."""

    axis: Axis

    @cached_property
    def banks(self) -> int:
        return max(1, *(taps.outputs for taps in self.axis.table()))

    def place(self, output: int) -> tuple[int, int]:
        """(bank, row) of an output coordinate: an input's outputs lie `step` apart."""
        step = self.axis.step
        group, within = divmod(output, step)
        return group % self.banks, group // self.banks * step + within

    @cached_property
    def rows(self) -> int:
        return max(self.place(o)[1] for o in range(self.axis.outputs)) + 1

    @property
    def row_bits(self) -> int:
        return (self.rows - 1).bit_length()

    @property
    def bank_bits(self) -> int:
        return (self.banks - 1).bit_length()

    @cached_property
    def outputs(self) -> np.ndarray:
        """Which output is in each row of each bank, int64 [rows, banks]; -1: none."""
        found = np.full((self.rows, self.banks), -1)
        for o in range(self.axis.outputs):
            bank, row = self.place(o)
            found[row, bank] = o
        return found

    @property
    def codes(self) -> tuple[int, ...]:
        """The output that each code {row, bank} means; -1: none."""
        wide = np.full((self.rows, 1 << self.bank_bits), -1)
        wide[:, : self.banks] = self.outputs
        return tuple(wide.reshape(-1).tolist())

    def taps(self, place: int) -> list[BankTaps]:
        """What an input coordinate (-1: none) reaches in each bank."""
        found = [BankTaps(0, 0, 0)] * self.banks
        for o, k in self.axis.pairs(place) if place >= 0 else []:
            bank, row = self.place(o)
            found[bank] = BankTaps(1, row, k)
        return found


def bank_axes(conv: Conv) -> tuple[BankAxis, BankAxis]:
    """The axes of a convolution, along y and along x."""
    vertical, horizontal = (
        BankAxis(
            Axis(
                conv.map[i], conv.shape[i], conv.kernel[i], conv.stride[i], conv.padding[i], conv.dilation[i]
            )
        )
        for i in range(2)
    )
    return vertical, horizontal
