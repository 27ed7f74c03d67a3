"""One layer in hardware, whatever its kind: what its walker visits and when, and what its memories hold."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...numerics.errors import out_of_range
from ...quant.layer import Layer
from ..devices import SPRAM_DEPTH, UP5K_SPRAM_BLOCKS
from .maps import MapFields
from .neurons import NeuronsPlan
from .words import signed_bits

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


@dataclasses.dataclass(frozen=True, eq=False)
class LayerPlan(NeuronsPlan, abc.ABC):
    """One layer in hardware: its neurons, the events that arrive, and the memory of its weights.

    A kind of layer is a subclass (hw/plan/dense.py), which knows how its walker visits state and weights.

    `arrivals` [addresses]: which input each address that arrives means, -1 for padding of the layer before;
    None: the addresses are the inputs. `timesteps`: T, 0 where it is not known. `spram_blocks`: how many
    blocks of SPRAM its weights have, where they lie there. `state_style`: the ram_style of its memory of
    states, empty where synthesis is to choose. `readers`: how many layers read its memory of weights, each
    through a port of its own; `lender`: the layer (of a core's `layers`) whose memory it reads, if it is not
    its own.
    """

    # "block": initialised memory; "spram": loaded through the load port; "shared": another layer's
    memory: str
    events_per_clock: int = 0  # E of a wide layer (hw/plan/wide.py); 0: one event in W clocks
    read_ahead: bool = False  # block RAMs get the address before its register and have one behind them
    arrivals: np.ndarray | None = None
    timesteps: int = 0
    spram_blocks: int = UP5K_SPRAM_BLOCKS
    state_style: str = ""
    readers: int = 1
    lender: int | None = None

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
    def state_word_bits(self) -> int:
        """Width of the memory of states of a serial layer."""
        return self.used_lanes * self.lane_bits + self.sweeps_reached

    @property
    def weight_word_bits(self) -> int:
        return self.lanes * self.layer.spec.weight_bits

    @property
    def weight_copies(self) -> int:
        """How many memories of its own hold all of the weights."""
        return 0 if self.memory == "shared" else 1

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
