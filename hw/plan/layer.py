"""One layer in hardware, whatever its kind: lanes, state words, widths, and what its memories hold."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...numerics.errors import out_of_range
from ...numerics.lif import state_range
from ...quant.layer import Layer
from ..devices import SPRAM_DEPTH, UP5K_SPRAM_BLOCKS
from .maps import MapFields

# Clocks from reading a state word to the first moment at which it can be read again, updated.
STATE_LATENCY = 5
# The same for a visit that only integrates, in a layer that writes its sum back at once (`quick`).
UPDATE_LATENCY = 3


def default_lanes(neurons: int, weight_bits: int) -> int:
    """Lanes for a layer that nobody chose them for: a 64-bit weight word, and at least 4 words a row."""
    lanes = max(1, 64 // weight_bits)
    while lanes > 1 and -(-neurons // lanes) < 4:
        lanes //= 2
    return 1 << (lanes.bit_length() - 1)


class Visit(NamedTuple):
    """One pair of words that the walker of an event visits."""

    state_word: int
    weight_word: int


def signed_bits(low: int, high: int) -> int:
    """Fewest bits of two's complement that hold every integer of low..high."""
    return max(1, (high if high >= 0 else 0).bit_length() + 1, (~low if low < 0 else 0).bit_length() + 1)


@dataclasses.dataclass(frozen=True, eq=False)
class LayerPlan(abc.ABC):
    """One layer in hardware: `lanes` (P) neurons per clock, W state words of P neurons each.

    A kind of layer is a subclass (hw/plan/dense.py), which knows how its walker visits state and weights.

    `row`: neurons that fill words of their own, so that padding lies behind each of these groups, inside the
    layer, and word * P + lane remains an address; 0: the neurons follow each other and padding lies at the
    end alone. `arrivals` [addresses]: which input each address that arrives means, -1 for padding of the
    layer before; None: the addresses are the inputs. `timesteps`: T, 0 where it is not known.
    `most`: how often an event may count at most; `copies`: how many
    of one address may come in a step.
    `sums`: it never fires, and its membranes go to the readout in place of spikes.
    `spram_blocks`: how many blocks of SPRAM its weights have, where they lie there. `state_style`: the
    ram_style of its memory of states, empty where synthesis is to choose.
    """

    layer: Layer
    lanes: int
    memory: str  # "block": initialised memory; "spram": loaded through the load port
    events_per_clock: int = 0  # E of a wide layer (hw/plan/wide.py); 0: one event in W clocks
    read_ahead: bool = False  # block RAMs get the address before its register and have one behind them
    row: int = 0
    arrivals: np.ndarray | None = None
    timesteps: int = 0
    spram_blocks: int = UP5K_SPRAM_BLOCKS
    most: int = 1
    copies: int = 1
    sums: bool = False
    state_style: str = ""

    @abc.abstractmethod
    def visits(self, address: int) -> list[Visit]:
        """The pairs of words that an event at `address` visits, in order: the description of the walker.

        The cycle model, the tests and proofs of the walker, the fuzzer and the cost in the loss read it.
        """

    @abc.abstractmethod
    def event_clocks(self, address: int) -> float:
        """Clocks for which an event at `address` occupies the layer before the next can begin.

        Less than one where the layer takes several events per clock.
        """

    @property
    @abc.abstractmethod
    def tick_clocks(self) -> int:
        """Clocks for which a TICK occupies the layer, at most: its sweep over the state words."""

    @property
    @abc.abstractmethod
    def weight_words(self) -> int:
        """Depth of the weight memory, in words of `weight_word_bits`."""

    @abc.abstractmethod
    def weight_image(self) -> list[int]:
        """The weight memory's words: P weights each, lane 0 in the lowest bits.

        A binary weight is stored as one bit, 1 for -1 (its sign). What padding lanes accumulate does not
        matter: they never spike.
        """

    @property
    def inputs(self) -> int:
        """Addresses that may arrive."""
        return self.layer.inputs if self.arrivals is None else len(self.arrivals)

    @property
    def arriving(self) -> MapFields | None:
        """The map whose bit fields the arriving addresses are, where the layer has one."""
        return None

    @property
    def neurons(self) -> int:
        return self.layer.neurons

    @property
    def words(self) -> int:
        """W: state words, and words of one sweep."""
        row = self.row or self.neurons
        return self.neurons // row * -(-row // self.lanes)

    @property
    def sweep(self) -> Sequence[int]:
        """State words in the order in which a TICK visits them."""
        return range(self.words)

    @property
    def listed(self) -> bool:
        """Whether a TICK's sweep follows a list of words, word by word while the queue has room for them."""
        return False

    @property
    def sweeps_reached(self) -> bool:
        """Whether that list holds only the words that events have reached in the frame (see ConvPlan)."""
        return False

    @property
    def backgrounds(self) -> np.ndarray:
        """What a word holds that no event has reached before step t, int64 [T * parameter words, P].

        Row t * parameter words + parameter word; asked of a layer that sweeps what was reached.
        """
        return np.zeros((1, self.lanes), np.int64)

    @property
    def background_bits(self) -> int:
        """Width of the signed backgrounds; 0 if every one is 0."""
        values = self.backgrounds
        return signed_bits(int(values.min()), int(values.max())) if values.any() else 0

    @property
    def quick(self) -> bool:
        """Whether integration writes its sum back after 3 clocks (UPDATE_LATENCY) instead of a sweep's 5."""
        return False

    def tables(self) -> dict[str, np.ndarray]:
        """Tables that the walker reads of an event's address, beside its weights: int64 [depth, fields]."""
        return {}

    @property
    def parameter_bits(self) -> int | None:
        """How many low bits of a state word's number choose its thresholds and biases; None: all of them."""
        return None

    def parameters(self, values: np.ndarray, fill: int) -> np.ndarray:
        """[channels] -> [parameter words, P]; padding lanes hold `fill`."""
        return self.padded(self.layer.synapses.spread(values), fill=fill)

    @classmethod
    def default_lanes(cls, layer: Layer) -> int:
        """Lanes for a layer that nobody chose them for."""
        return default_lanes(layer.neurons, layer.spec.weight_bits)

    @classmethod
    def check_lanes(cls, layer: Layer, lanes: int, where: str, name: str) -> None:
        """Raise TwinspikeError, from `where`, for lanes that the layer called `name` cannot have."""
        if not 1 <= lanes <= layer.neurons:
            raise out_of_range(where, lanes, f"1..{layer.neurons}, the layer's neurons")

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
    def state_word_bits(self) -> int:
        """Width of the memory of states of a serial layer."""
        return self.used_lanes * self.lane_bits + self.sweeps_reached

    @property
    def queued_bits(self) -> int:
        """Bits of a word in the queue behind the layer: a spike for each lane, or what its membrane lacks."""
        return self.lanes * self.layer.spec.state_bits if self.sums else self.lanes

    @property
    def used_lanes(self) -> int:
        """Lanes that hold a neuron in some word: the first ones. Padding lanes have no state and no logic."""
        return int((self.places >= 0).any(axis=0).sum())

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

    @property
    def weight_word_bits(self) -> int:
        return self.lanes * self.layer.spec.weight_bits

    @property
    def weight_copies(self) -> int:
        """How many memories hold all of the weights."""
        return 1

    def load_words(self) -> list[int]:
        """The weight memory as 16-bit words, lowest piece first: what hw/weights/image.py wraps."""
        pieces = range(self.weight_word_bits // 16)
        return [(word >> (16 * piece)) & 0xFFFF for word in self.weight_image() for piece in pieces]

    @property
    def load_length(self) -> int:
        """How many words :meth:`load_words` gives, without making them."""
        return self.weight_words * (self.weight_word_bits // 16)

    @property
    def spram_need(self) -> int:
        """Blocks of SPRAM that its weights need, where a word is as wide as one, two or four of them."""
        return self.weight_word_bits // 16 * -(-self.weight_words // SPRAM_DEPTH)

    def weight_codes(self) -> np.ndarray:
        """The weights as they are stored, int64, in the shape of the tensor: two's complement, or a sign."""
        bits = self.layer.spec.weight_bits
        weight = self.layer.weight.astype(np.int64)
        return (weight < 0).astype(np.int64) if bits == 1 else weight & ((1 << bits) - 1)


def pack_words(lanes: np.ndarray, bits: int) -> list[int]:
    """[words, P] non-negative codes of `bits` bits -> one Python integer per word, lane 0 lowest."""
    exploded = (lanes[:, :, None] >> np.arange(bits)) & 1
    flat = exploded.reshape(len(lanes), -1).astype(np.uint8)
    packed = np.packbits(flat, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
