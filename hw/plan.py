"""What the generator derives from a network before any gate exists: widths, words, memory images.

Everything here is plain Python, so the cycle model, the documentation and the tests read the same
numbers as the hardware.
"""

import dataclasses
from math import prod

import numpy as np
from amaranth.utils import bits_for

from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.lif import state_range
from ..quant.network import Layer, Network
from .devices import architecture
from .pixel_codings import check_coding
from .settings import MAX_SLOTS
from .spram import SPRAM_BITS, SPRAM_WIDTHS, UP5K_SPRAM_BLOCKS

# Clocks from reading a state word to the first moment at which it can be read again, updated.
STATE_LATENCY = 5
# Banks of weights that a wide layer may have: addresses are dealt to them by their lowest bits.
WIDE_BANKS = (1, 2, 4, 8, 16)
# A layer of more weight bits than this goes to SPRAM on a device that has it (8 EBR of 4 kbit).
SPRAM_FROM_BITS = 8 * 4096


def signed_bits(low: int, high: int) -> int:
    """Fewest bits of two's complement that hold every integer of low..high."""
    return max(1, (high if high >= 0 else 0).bit_length() + 1, (~low if low < 0 else 0).bit_length() + 1)


@dataclasses.dataclass(frozen=True, eq=False)
class LayerPlan:
    """One dense layer in hardware: `lanes` (P) neurons a clock, ceil(N / P) words a row."""

    layer: Layer
    lanes: int
    memory: str  # "block": initialised memory; "spram": loaded through the load port
    banks: int = 0  # E: events a clock of a wide layer (hw/wide_plan.py); 0: one event in W clocks
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
        """The weight memory as 16-bit words, lowest piece first: what hw/weight_image.py wraps."""
        pieces = range(self.weight_word_bits // 16)
        return [(word >> (16 * piece)) & 0xFFFF for word in self.weight_image() for piece in pieces]


def pack_words(lanes: np.ndarray, bits: int) -> list[int]:
    """[words, P] non-negative codes of `bits` bits -> one Python integer a word, lane 0 lowest."""
    exploded = (lanes[:, :, None] >> np.arange(bits)) & 1
    flat = exploded.reshape(len(lanes), -1).astype(np.uint8)
    packed = np.packbits(flat, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


@dataclasses.dataclass(frozen=True, eq=False)
class CorePlan:
    """A network with its lanes and memory kinds: everything the core is generated from.

    `check_duplicates`: an address that comes twice in a step sets an error flag, at the price of a memory
    of about two bits an input (hw/duplicates.py). `slots`: reference slots that can be enrolled and
    cleared at run time (hw/slots.py); 0: the network's references are all there ever is. `pixels`: a core
    behind a bus has an encoder for raw pixels (hw/pixel_encoder.py).
    """

    network: Network
    layers: tuple[LayerPlan, ...]
    target: str
    check_duplicates: bool = True
    slots: int = 0
    pixels: bool = False

    @property
    def network_hash(self) -> int:
        """The first 64 bits of the network file's SHA-256."""
        return int(self.network.content_hash[:16], 16)

    @property
    def wide(self) -> bool:
        """Whether the core takes several events a clock, a lane for every neuron."""
        return self.layers[0].banks > 0

    @property
    def count_bits(self) -> int:
        """Width of a cumulative spike count: T at most."""
        return self.network.timesteps.bit_length()

    @property
    def distance_bits(self) -> int:
        """Width in which no distance overflows: sum over n, t of max(reference, t + 1 - reference).

        Where output spikes are counted a distance is at most T. With slots a count may be anything up
        to T. All ones is no distance.
        """
        if not self.references:
            return self.count_bits
        timesteps = self.network.timesteps
        if self.slots:
            return (self.network.outputs * timesteps * timesteps + 1).bit_length()
        counts = self.network.references.counts.astype(np.int64)
        reach = np.arange(1, timesteps + 1)[None, :, None]
        return int(np.maximum(counts, reach - counts).sum(axis=(1, 2)).max() + 1).bit_length()

    @property
    def references(self) -> int:
        """References of the network."""
        return len(self.network.references.labels)

    @property
    def compared(self) -> int:
        """K: references or slots that every frame is compared with."""
        return self.slots or self.references

    @property
    def columns(self) -> int:
        """Columns of counts in the reference memory: K, and the staged copy where there are slots."""
        return self.slots + 1 if self.slots else self.references

    @property
    def output_bits(self) -> int:
        """Bits of an output address."""
        return bits_for(max(self.network.outputs - 1, 1))

    @property
    def label_pieces(self) -> int:
        """P: pieces of a label, each as wide as a count, in the memory of slots."""
        return -(-16 // self.count_bits)

    @property
    def result_clocks(self) -> int:
        """Clocks from a frame's last TICK taken by the EMD readout to its result."""
        return self.compared + 5 + (self.label_pieces + 2 if self.slots else 0)

    @property
    def reference_rows(self) -> int:
        """Rows of the reference memory: T * 2^a, and enough for every column's label in one column."""
        rows = self.network.timesteps << self.output_bits
        return max(rows, self.columns << bits_for(self.label_pieces - 1)) if self.slots else rows

    def reference_table(self) -> np.ndarray:
        """The reference memory's first content [rows, columns]: R_k(t, n) in row t * 2^a + n, column k.

        a is the bits of an output address; rows beyond the last neuron are 0 and never read. With slots
        one more column holds labels, piece i of column c's in row c * 2^p + i, p the bits of a piece's
        number; slots without a reference hold 0.
        """
        references = self.network.references
        counts = references.counts.astype(np.int64)  # [K, T, N]
        padded = np.pad(counts, [(0, 0), (0, 0), (0, (1 << self.output_bits) - counts.shape[2])])
        table = padded.transpose(1, 2, 0).reshape(-1, len(counts))
        if not self.slots:
            return table
        found = np.zeros((self.reference_rows, self.columns + 1), np.int64)
        found[: len(table), : self.references] = table
        for column, label in enumerate(references.labels.tolist()):
            for piece in range(self.label_pieces):
                row = (column << bits_for(self.label_pieces - 1)) + piece
                found[row, -1] = label >> (piece * self.count_bits) & ((1 << self.count_bits) - 1)
        return found


def default_lanes(neurons: int, weight_bits: int) -> int:
    """Lanes for a layer that nobody chose them for: a 64-bit weight word, and at least 4 words a row."""
    lanes = max(1, 64 // weight_bits)
    while lanes > 1 and -(-neurons // lanes) < 4:
        lanes //= 2
    return 1 << (lanes.bit_length() - 1)


def make_plan(
    network: Network,
    lanes: tuple[int, ...] = (),
    target: str = "generic",
    banks: tuple[int, ...] = (),
    check_duplicates: bool | None = None,
    slots: int = 0,
    pixels: bool = False,
) -> CorePlan:
    """Choose lanes and memories; with `banks`, plan a wide core (lanes are then the layers' neurons).

    Duplicate addresses are noticed unless the weights need SPRAM: a network of that size leaves the
    device no block RAM to spare. `check_duplicates` decides it otherwise; a wide core does not have it.
    `slots` and `pixels` see CorePlan. Raises TwinspikeError for lanes, banks, slots or pixels that do not
    suit the network or device.
    """
    _check_slots(network, slots, banks)
    if pixels:
        check_coding(network)
    if banks:
        return _wide_plan(network, lanes, target, banks, pixels)
    if lanes and len(lanes) != len(network.layers):
        raise TwinspikeError(
            f"hardware.lanes has {len(lanes)} numbers: expected one a layer, {len(network.layers)}"
        )
    layers = []
    for index, layer in enumerate(network.layers):
        where = f"hardware.lanes[{index}]"
        bits = layer.spec.weight_bits
        chosen = lanes[index] if lanes else default_lanes(layer.neurons, bits)
        if not 1 <= chosen <= layer.neurons:
            raise out_of_range(where, chosen, f"1..{layer.neurons}, the layer's neurons")
        memory = (
            "spram" if target == "up5k" and prod(layer.weight.shape) * bits > SPRAM_FROM_BITS else "block"
        )
        # ECP5's block RAMs are slow to read (5.6 ns) and its adders fast.
        plan = LayerPlan(layer, chosen, memory, read_ahead=architecture(target) == "ecp5")
        if memory == "spram":
            check_spram(plan, index)
        layers.append(plan)
    spram = sum(plan.memory == "spram" for plan in layers)
    if spram > 1:
        raise TwinspikeError(
            f"{spram} layers of {network.name} need SPRAM, {target} has room for one: "
            "use fewer weight bits, smaller layers or a larger device"
        )
    if check_duplicates is None:
        check_duplicates = spram == 0
    return CorePlan(network, tuple(layers), target, check_duplicates, slots, pixels)


def _check_slots(network: Network, slots: int, banks: tuple[int, ...]) -> None:
    if not slots:
        return
    if banks:
        raise TwinspikeError(
            f"hardware.slots = {slots}: a core of several events a clock has fixed references only: "
            "leave banks or slots out"
        )
    if network.readout != "emd":
        raise TwinspikeError(
            f"hardware.slots = {slots}: {network.name} counts spikes instead of comparing references: "
            "leave slots out"
        )
    references = len(network.references.labels)
    if not references <= slots <= MAX_SLOTS:
        raise out_of_range(
            "hardware.slots", slots, f"{references}..{MAX_SLOTS}, from the network's references on"
        )


def _wide_plan(
    network: Network, lanes: tuple[int, ...], target: str, banks: tuple[int, ...], pixels: bool
) -> CorePlan:
    if network.readout != "emd":
        raise TwinspikeError(
            f"hardware.banks: {network.name} counts spikes instead of comparing references, which a wide "
            "core cannot: leave banks out"
        )
    neurons = tuple(layer.neurons for layer in network.layers)
    if len(banks) != len(neurons):
        raise TwinspikeError(f"hardware.banks has {len(banks)} numbers: expected one a layer, {len(neurons)}")
    if lanes and lanes != neurons:
        raise TwinspikeError(
            f"hardware.lanes = {list(lanes)}: with banks every neuron is a lane, so leave lanes out"
        )
    for index, (count, layer) in enumerate(zip(banks, network.layers, strict=True)):
        if count not in WIDE_BANKS or count > layer.inputs:
            raise out_of_range(
                f"hardware.banks[{index}]", count,
                f"one of {', '.join(map(str, WIDE_BANKS))}, at most the layer's {layer.inputs} inputs",
            )  # fmt: skip
    layers = zip(network.layers, neurons, banks, strict=True)
    wide = tuple(LayerPlan(layer, n, "block", e) for layer, n, e in layers)
    return CorePlan(network, wide, target, check_duplicates=False, pixels=pixels)


def check_spram(plan: LayerPlan, index: int) -> None:
    """Raise TwinspikeError if the layer's weights do not fit UP5K's single-port RAM, or its words."""
    width, bits = plan.weight_word_bits, plan.layer.spec.weight_bits
    if width not in SPRAM_WIDTHS:
        fits = ", ".join(str(w // bits) for w in SPRAM_WIDTHS if w % bits == 0) or "none"
        raise TwinspikeError(
            f"hardware.lanes[{index}] = {plan.lanes}: {plan.lanes} lanes x {bits} bits = {width} bits do not "
            f"divide into SPRAM words of {SPRAM_WIDTHS} bits; lanes that do: {fits}"
        )
    need, have = plan.weight_words * width, UP5K_SPRAM_BLOCKS * SPRAM_BITS
    if need > have:
        raise TwinspikeError(
            f"layers.{index}: {need} weight bits do not fit the {have} bits of up5k's SPRAM "
            f"({need - have} too many): use fewer weight bits, fewer neurons or a larger device"
        )
