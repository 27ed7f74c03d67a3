"""One layer in hardware: its lanes, words, widths and memory contents."""

import dataclasses

import numpy as np

from ...numerics.lif import state_range
from ...quant.layer import Layer

# Clocks from reading a state word to the first moment at which it can be read again, updated.
STATE_LATENCY = 5


def signed_bits(low: int, high: int) -> int:
    """Fewest bits of two's complement that hold every integer of low..high."""
    return max(1, (high if high >= 0 else 0).bit_length() + 1, (~low if low < 0 else 0).bit_length() + 1)


@dataclasses.dataclass(frozen=True, eq=False)
class LayerPlan:
    """One dense layer in hardware: `lanes` (P) neurons a clock, ceil(N / P) words a row."""

    layer: Layer
    lanes: int
    memory: str  # "block": initialised memory; "spram": loaded through the load port
    banks: int = 0  # E: events a clock of a wide layer (hw/plan/wide.py); 0: one event in W clocks
    read_ahead: bool = False  # block RAMs get the address before its register and have one behind them

    @property
    def inputs(self) -> int:
        return self.layer.inputs

    @property
    def neurons(self) -> int:
        return self.layer.neurons

    @property
    def words(self) -> int:
        """W: state words, and weight words of one input's row."""
        return -(-self.neurons // self.lanes)

    @property
    def row_cycles(self) -> int:
        """C = max(W, 5): clocks that one event or TICK occupies the layer (1 where it is wide)."""
        return 1 if self.banks else max(self.words, STATE_LATENCY)

    @property
    def accumulator_bits(self) -> int:
        """Width in which integration cannot overflow, whatever inputs spike and in whatever order.

        From the clamped state, the bias and the sums of each neuron's positive and negative weights.
        """
        low, high = state_range(self.layer.spec.state_bits)
        weight = self.layer.weight.astype(np.int64)
        bias = self.layer.bias.astype(np.int64)
        most = high + int((np.maximum(bias, 0) + np.maximum(weight, 0).sum(axis=1)).max())
        least = low + int((np.minimum(bias, 0) + np.minimum(weight, 0).sum(axis=1)).min())
        return signed_bits(least, most)

    @property
    def threshold_bits(self) -> int:
        """Width of the (unsigned) thresholds. One above the clamp is never reached: saturate there."""
        return int(self.thresholds.max()).bit_length()

    @property
    def thresholds(self) -> np.ndarray:
        """Thresholds as the hardware compares them, [N]: never above 2^(state_bits - 1).

        u is at most 2^(state_bits - 1) - 1, so a larger threshold means the same: silence.
        """
        return np.minimum(self.layer.threshold.astype(np.int64), 1 << (self.layer.spec.state_bits - 1))

    @property
    def bias_bits(self) -> int:
        """Width of the signed biases; 0 if every bias is 0."""
        bias = self.layer.bias
        return signed_bits(int(bias.min()), int(bias.max())) if bias.any() else 0

    @property
    def weight_word_bits(self) -> int:
        return self.lanes * self.layer.spec.weight_bits

    @property
    def weight_words(self) -> int:
        return self.inputs * self.words

    def padded(self, values: np.ndarray, fill: int = 0) -> np.ndarray:
        """[N, ...] -> [W, P, ...]; the lanes beyond N hold `fill`."""
        extra = self.words * self.lanes - self.neurons
        pad = [(0, extra)] + [(0, 0)] * (values.ndim - 1)
        return np.pad(values, pad, constant_values=fill).reshape(self.words, self.lanes, *values.shape[1:])

    def weight_image(self) -> list[int]:
        """The weight memory: word (input * W + w) packs P weights, lane 0 in the lowest bits.

        A binary weight is stored as one bit, 1 for -1 (its sign). What padding
        lanes accumulate does not matter: their spikes are gated away in the fire sweep.
        """
        bits = self.layer.spec.weight_bits
        weight = self.layer.weight.astype(np.int64)
        code = (weight < 0).astype(np.int64) if bits == 1 else weight & ((1 << bits) - 1)
        lanes = self.padded(code).transpose(2, 0, 1).reshape(self.weight_words, self.lanes)
        return pack_words(lanes, bits)

    def load_words(self) -> list[int]:
        """The weight memory as 16-bit words, lowest piece first: what hw/weights/image.py wraps."""
        pieces = range(self.weight_word_bits // 16)
        return [(word >> (16 * piece)) & 0xFFFF for word in self.weight_image() for piece in pieces]


def pack_words(lanes: np.ndarray, bits: int) -> list[int]:
    """[words, P] non-negative codes of `bits` bits -> one Python integer a word, lane 0 lowest."""
    exploded = (lanes[:, :, None] >> np.arange(bits)) & 1
    flat = exploded.reshape(len(lanes), -1).astype(np.uint8)
    packed = np.packbits(flat, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
