"""A layer's neurons in hardware: the lane and word of each, and the widths and tables of their state."""

import dataclasses

import numpy as np

from ...numerics.lif import state_range
from ...quant.layer import Layer
from .words import signed_bits


@dataclasses.dataclass(frozen=True, eq=False)
class NeuronsPlan:
    """The neurons of a layer: `lanes` (P) of them per clock, W state words of P neurons each.

    `row`: neurons that fill words of their own, so that padding lies behind each of these groups, inside the
    layer, and word * P + lane remains an address; 0: the neurons follow each other and padding lies at the
    end alone. `most`: how often an event may count at most; `copies`: how many of one address may come in a
    step. `sums`: it never fires, and its membranes go to the readout in place of spikes.
    """

    layer: Layer
    lanes: int
    row: int = dataclasses.field(default=0, kw_only=True)
    most: int = dataclasses.field(default=1, kw_only=True)
    copies: int = dataclasses.field(default=1, kw_only=True)
    sums: bool = dataclasses.field(default=False, kw_only=True)

    @property
    def neurons(self) -> int:
        return self.layer.neurons

    @property
    def words(self) -> int:
        """W: state words, and words of one sweep."""
        row = self.row or self.neurons
        return self.neurons // row * -(-row // self.lanes)

    @property
    def addresses(self) -> int:
        """Addresses that the layer sends: its neurons, or word * P + lane where padding lies inside."""
        return self.words * self.lanes if self.row else self.neurons

    @property
    def places(self) -> np.ndarray:
        """Which neuron is in each lane of each word, int64 [W, P]; -1 for padding."""
        row = self.row or self.neurons
        numbers = np.arange(self.neurons).reshape(-1, row)
        width = -(-row // self.lanes) * self.lanes
        return np.pad(numbers, [(0, 0), (0, width - row)], constant_values=-1).reshape(-1, self.lanes)

    @property
    def positions(self) -> np.ndarray:
        """Where each neuron is: word * P + lane, int64 [N]."""
        return np.flatnonzero(self.places.reshape(-1) >= 0)

    @property
    def sent(self) -> np.ndarray:
        """Which neuron each sent address means, int64 [addresses]; -1 for padding."""
        return self.places.reshape(-1)[: self.addresses]

    def padded(self, values: np.ndarray, fill: int = 0) -> np.ndarray:
        """[N, ...] -> [W, P, ...]; padding lanes hold `fill`."""
        places = self.places
        found = values[places.clip(0)]
        found[places < 0] = fill
        return found

    @property
    def used_lanes(self) -> int:
        """Lanes that hold a neuron in some word: the first ones. Padding lanes have no state and no logic."""
        return int((self.places >= 0).any(axis=0).sum())

    @property
    def accumulator_bits(self) -> int:
        """Width in which integration cannot overflow, whatever inputs spike and in whatever order.

        From the clamped state, the bias and the least and most sum of each neuron's weights.
        """
        low, high = state_range(self.layer.spec.state_bits)
        bias = self.layer.synapses.spread(self.layer.bias.astype(np.int64))
        least, most = self._reach()
        return signed_bits(
            low + int((np.minimum(bias, 0) + least).min()), high + int((np.maximum(bias, 0) + most).max())
        )

    def _reach(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and most sum of each neuron's inputs, int64 [N] each."""
        least, most = self.layer.synapses.reach(self.layer.weight)
        times = self.most * self.copies
        return least * times, most * times

    @property
    def held_bits(self) -> int:
        """Width of the current that a layer holds, in which no sum of inputs overflows."""
        least, most = self._reach()
        return signed_bits(int(least.min()), int(most.max()))

    @property
    def membrane_bits(self) -> int:
        """Width of a membrane in its state word: where the input is held events add to what is held alone."""
        return self.layer.spec.state_bits if self.layer.hold else self.accumulator_bits

    @property
    def silences(self) -> bool:
        """Whether a neuron that has fired is kept silent by what it holds.

        It loses membrane and held current, and no bias lifts it above 0 again; thresholds are at least 1.
        """
        return self.layer.spec.single_spike and self.layer.hold and int(self.layer.bias.max()) <= 0

    @property
    def marks_fired(self) -> bool:
        """Whether a state word has a bit that says whether a neuron has fired."""
        return self.layer.spec.single_spike and not self.silences

    @property
    def lane_bits(self) -> int:
        """Bits of a neuron in its state word."""
        held = self.held_bits if self.layer.hold else 0
        return self.membrane_bits + self.marks_fired + held

    @property
    def queued_bits(self) -> int:
        """Bits of a word in the queue behind the layer: a spike for each lane, or what its membrane lacks."""
        return self.lanes * self.layer.spec.state_bits if self.sums else self.lanes

    def parameters(self, values: np.ndarray, fill: int) -> np.ndarray:
        """[channels] -> [parameter words, P]; padding lanes hold `fill`."""
        return self.padded(self.layer.synapses.spread(values), fill=fill)

    @property
    def thresholds(self) -> np.ndarray:
        """Thresholds as the hardware compares them, int64 [parameter words, P]: at most 2^(state_bits - 1).

        u is at most 2^(state_bits - 1) - 1, so a larger threshold means the same: silence. That is what
        padding inside the layer holds; at its end padding is gated away instead.
        """
        silent = 1 << (self.layer.spec.state_bits - 1)
        if self.sums:
            return self.parameters(np.full(len(self.layer.threshold), silent), fill=silent)
        own = self.layer.threshold.astype(np.int64)
        return self.parameters(np.minimum(own, silent), fill=silent if self.row else 1)

    @property
    def threshold_bits(self) -> int:
        """Width of `margins`; 0 if all thresholds are 1."""
        return int(self.thresholds.max() - 1).bit_length()

    @property
    def margins(self) -> np.ndarray:
        """The thresholds as they are stored, int64 [parameter words, P]: inverted bits of threshold - 1.

        With a one above them they are -threshold, so that a lane adds instead of subtracting: the inverters
        of a subtraction would stand between the table and the carry chain.
        """
        return (1 << self.threshold_bits) - self.thresholds

    @property
    def biases(self) -> np.ndarray:
        """Biases, int64 [parameter words, P]; 0 in padding lanes."""
        return self.parameters(self.layer.bias.astype(np.int64), fill=0)

    @property
    def bias_bits(self) -> int:
        """Width of the signed biases; 0 if every bias is 0."""
        bias = self.layer.bias
        return signed_bits(int(bias.min()), int(bias.max())) if bias.any() else 0
