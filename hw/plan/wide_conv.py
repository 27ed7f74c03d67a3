"""What the generator derives for a wide convolution: every event in one clock, in banks of its outputs.

Outputs are dealt to banks so that no input reaches two of a bank (hw/plan/banks.py), each bank with a lane
for every output channel. So an event reads, adds and writes one word of state in every bank that it reaches,
all in the same clock.
"""

import dataclasses
from functools import cached_property

import numpy as np

from ...numerics.errors import TwinspikeError
from ...quant.layer import Layer
from ...quant.synapses.conv import Conv
from .banks import BankAxis, bank_axes
from .codes import Codes
from .layer import LayerPlan, Visit
from .words import pack_words

# Words of spikes on their way from a sweep to the encoder; LUT memory is 16 deep on ECP5.
QUEUE_WORDS = 16
# Lanes that share a memory and the registers that address and steer it: from a register that drives more
# of them the way is too long.
GROUP = 8
# Clocks from a row's turn in a sweep to its spikes, and from there until the encoder may have them.
ROW_LATENCY, QUEUE_LATENCY = 5, 2
# From the last row's turn until the layer takes an event again, which must find that row written.
SETTLE = 3


@dataclasses.dataclass(frozen=True, eq=False)
class WideConvPlan(LayerPlan):
    """A wide convolution: `words` rows {row y, row x} of a word of state in every bank, all lanes at once.

    `arriving` is how the addresses of its events are coded. A lane's number is bank * channels + channel. A
    step of E events takes E + R + 3 clocks, R the rows that hold neurons: see hw/wide/conv.py.
    """

    seen: Codes = dataclasses.field(kw_only=True)

    @classmethod
    def of(cls, layer: Layer, seen: Codes, where: str, most: int = 1) -> "WideConvPlan":
        """The plan of `layer`, the lanes that it needs; TwinspikeError for a layer that no wide core has."""
        conv = _conv(layer)
        if layer.spec.weight_bits == 1 and conv.groups > 1:
            raise TwinspikeError(
                f"{where}.groups = {conv.groups}: a lane of a core of several events per clock adds 0 for "
                "another group's input, which a binary weight cannot be; leave events_per_clock out for the "
                "serial core, or use groups = 1 or 2 weight bits"
            )
        vertical, horizontal = bank_axes(conv)
        lanes = vertical.banks * horizontal.banks * conv.filters
        return cls(layer, lanes, "block", 1, seen=seen, most=most)

    @cached_property
    def axes(self) -> tuple[BankAxis, BankAxis]:
        """Along y and along x."""
        return bank_axes(_conv(self.layer))

    @property
    def channels(self) -> int:
        return _conv(self.layer).filters

    @property
    def banks(self) -> int:
        return self.axes[0].banks * self.axes[1].banks

    @property
    def inputs(self) -> int:
        return 1 << self.seen.bits

    @property
    def leaving(self) -> Codes:
        """How the addresses of its spikes are coded."""
        return Codes(self.axes[0].codes, self.axes[1].codes, self.channels)

    @property
    def words(self) -> int:
        vertical, horizontal = self.axes
        return vertical.rows << horizontal.row_bits

    @property
    def sweep(self) -> list[int]:
        vertical, horizontal = self.axes
        return [y << horizontal.row_bits | x for y in range(vertical.rows) for x in range(horizontal.rows)]

    @property
    def places(self) -> np.ndarray:
        vertical, horizontal = self.axes
        found = np.full((self.words, self.lanes), -1)
        for word in self.sweep:
            y = vertical.outputs[word >> horizontal.row_bits][:, None, None]
            x = horizontal.outputs[word & (1 << horizontal.row_bits) - 1][None, :, None]
            flat = (y * horizontal.axis.outputs + x) * self.channels + np.arange(self.channels)
            found[word] = np.where((y < 0) | (x < 0), -1, flat).reshape(-1)
        return found

    @property
    def positions(self) -> np.ndarray:
        places = self.places.reshape(-1)
        found = np.empty(self.neurons, np.int64)
        found[places[places >= 0]] = np.flatnonzero(places >= 0)
        return found

    def parameters(self, values: np.ndarray, fill: int) -> np.ndarray:
        """[channels] -> [1, channels]: every place of every bank has the same."""
        return values[None].astype(np.int64)

    def taps(self) -> dict[str, np.ndarray]:
        """What each arriving code of an axis reaches: int64 [codes, banks, (hit, row, kernel)]."""
        return {
            name: np.array([axis.taps(place) for place in places])
            for name, axis, places in (
                ("rows", self.axes[0], self.seen.ys),
                ("columns", self.axes[1], self.seen.xs),
            )
        }

    def visits(self, address: int) -> list[Visit]:
        """One in each bank that the event reaches, all in one clock: state word `row * banks + bank`."""
        seen, (vertical, horizontal) = self.seen, self.axes
        c = address & (1 << seen.c_bits) - 1
        x = address >> seen.c_bits & (1 << seen.x_bits) - 1
        y = address >> seen.c_bits >> seen.x_bits
        if y >= len(seen.ys) or x >= len(seen.xs) or c >= seen.channels:
            return []
        found = []
        for by, down in enumerate(vertical.taps(seen.ys[y])):
            for bx, across in enumerate(horizontal.taps(seen.xs[x])):
                if down.hit and across.hit:
                    row = down.row << horizontal.row_bits | across.row
                    bank = by * horizontal.banks + bx
                    weight = self.weight_row(c, down.kernel, across.kernel)
                    found.append(Visit(row * self.banks + bank, weight))
        return found

    def event_clocks(self, address: int) -> float:
        return 1

    @property
    def tick_clocks(self) -> int:
        """Clocks from a TICK taken until the next event may be."""
        return len(self.sweep) + SETTLE

    @property
    def kernel_bits(self) -> tuple[int, int]:
        """Bits of the kernel's row and column in a weight row's number."""
        down, across = _conv(self.layer).kernel
        return (down - 1).bit_length(), (across - 1).bit_length()

    def weight_row(self, channel: int, down: int, across: int) -> int:
        """The number {channel, kernel row, kernel column} of a weight row."""
        y_bits, x_bits = self.kernel_bits
        return (channel << y_bits | down) << x_bits | across

    @property
    def weight_words(self) -> int:
        """Rows of each bank's copy of the weights."""
        return self.seen.channels << sum(self.kernel_bits)

    @property
    def weight_copies(self) -> int:
        return self.banks

    @property
    def weight_word_bits(self) -> int:
        return self.channels * self.layer.spec.weight_bits

    def weight_image(self) -> list[int]:
        """A row holds the weights of every output channel; 0 where another group's input is meant."""
        codes, conv = self.weight_codes(), _conv(self.layer)  # [channels, inputs / groups, height, width]
        outputs, per_group, height, width = codes.shape
        each = outputs // conv.groups
        y_bits, x_bits = self.kernel_bits
        table = np.zeros((self.seen.channels, 1 << y_bits, 1 << x_bits, outputs), np.int64)
        for c in range(self.seen.channels):
            group, within = divmod(c, per_group)
            own = slice(group * each, (group + 1) * each)
            table[c, :height, :width, own] = codes[own, within].transpose(1, 2, 0)
        return pack_words(table.reshape(-1, outputs), self.layer.spec.weight_bits)

    def tap_rows(self, name: str) -> tuple[int, list[int]]:
        """(bits, rows) of the table of an axis: for each bank hit, row and kernel, bank 0 and hit lowest."""
        vertical, horizontal = self.axes
        index = ("rows", "columns").index(name)
        row_bits = (vertical, horizontal)[index].row_bits
        size = 1 + row_bits + self.kernel_bits[index]
        rows = [
            sum(
                (int(hit) | int(row) << 1 | int(kernel) << 1 + row_bits) << bank * size
                for bank, (hit, row, kernel) in enumerate(banks)
            )
            for banks in self.taps()[name]
        ]
        return size * (vertical, horizontal)[index].banks, rows

    @property
    def lane_groups(self) -> list[range]:
        """Channels of a bank that share a memory of state."""
        return [range(first, min(first + GROUP, self.channels)) for first in range(0, self.channels, GROUP)]

    @property
    def state_bits(self) -> int:
        """Of one lane's word: what it has gathered, and whether it has fired where that counts."""
        return self.accumulator_bits + self.layer.spec.single_spike


def _conv(layer: Layer) -> Conv:
    if not isinstance(layer.synapses, Conv):
        raise TypeError(f"a layer of kind {layer.kind} is no convolution")
    return layer.synapses
