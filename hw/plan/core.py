"""A network with its lanes and memory kinds: everything that a core is generated from."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from amaranth.utils import bits_for

from ...numerics.encodings import Graded
from ...quant.network import Network
from ..devices import DEVICES, architecture
from .layer import LayerPlan
from .maps import MapFields
from .merge import MergePlan, input_map
from .relay import RelayPlan
from .wide_conv import WideConvPlan

# Words around the weights of a layer that is loaded at run time: see hw/weights/image.py.
HEADER_WORDS, TRAILER_WORDS = 8, 2


def firing(network: Network) -> list[int]:
    """The layers that have neurons, by their numbers."""
    return [index for index, layer in enumerate(network.layers) if layer.synapses.fires]


@dataclasses.dataclass(frozen=True, eq=False)
class CorePlan:
    """A network with its lanes and memory kinds: everything the core is generated from.

    `check_duplicates`: an address that comes twice in a step sets an error flag, at the price of a memory of
    about two bits per input (hw/core/duplicates.py). `slots`: reference slots that can be enrolled and
    cleared at run time (hw/readout/slots.py); 0: the network's references are all there ever is. `pixels`: a
    core behind a bus has an encoder for raw pixels (hw/bus/pixel_encoder.py). `step_timer`: it can make its
    TICKs itself (hw/core/step_timer.py), behind a bus so many clocks apart until told otherwise; 0: it
    cannot. `layers` are those with neurons; `relays` are the others, by the one of them that follows (none:
    there are none at all); `merges` stand in front of the network's layers, where one has several sources
    (none: nowhere).
    """

    network: Network
    layers: tuple[LayerPlan, ...]
    target: str
    check_duplicates: bool = True
    slots: int = 0
    pixels: bool = False
    step_timer: int = 0
    relays: tuple[tuple[RelayPlan, ...], ...] = ()
    merges: tuple[MergePlan | None, ...] = ()

    @property
    def network_hash(self) -> int:
        """The first 64 bits of the network file's SHA-256."""
        return int(self.network.content_hash[:16], 16)

    @property
    def most(self) -> int:
        """How often an event that comes in may count; above 1 VALUE words are read."""
        encoder = self.network.encoder
        return encoder.most if isinstance(encoder, Graded) else 1

    def before(self, index: int) -> tuple[RelayPlan, ...]:
        """The layers without neurons between layer `index` of `layers` and the one before it."""
        return self.relays[index] if self.relays else ()

    def merge(self, number: int) -> MergePlan | None:
        """What stands in front of layer `number` of the network, None where it has one source."""
        return self.merges[number] if self.merges else None

    def takers(self, number: int) -> list[int]:
        """The layers of the network that take the events of layer `number`, -1 being the input."""
        layers = range(len(self.network.layers))
        return [index for index in layers if number in self.network.sources(index)]

    @property
    def numbers(self) -> list[int]:
        """Which layer of the network each of `layers` is."""
        return firing(self.network)

    def trains(self, spikes: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Of the spikes of every layer of the network those of `layers`."""
        return tuple(spikes[number] for number in self.numbers)

    @property
    def split(self) -> MapFields | None:
        """The map whose flat addresses must be divided into bit fields on their way in, if any."""
        fields = None if self.wide else input_map(self.network)
        return fields if fields and fields.divisions else None

    @property
    def loaded(self) -> list[LayerPlan]:
        """The layers whose weights are loaded at run time."""
        return [layer for layer in self.layers if layer.memory == "spram"]

    @property
    def loads(self) -> bool:
        """Whether a layer's weights are loaded at run time, through a port of its own."""
        return bool(self.loaded)

    @property
    def image_words(self) -> int:
        """Words of the weight image that is loaded at run time; 0 if every weight lies in block RAM."""
        loaded = [layer.load_length for layer in self.loaded]
        return sum(loaded) + HEADER_WORDS + TRAILER_WORDS if loaded else 0

    @property
    def wide(self) -> bool:
        """Whether the core takes several events per clock, a lane for every neuron."""
        return self.layers[0].events_per_clock > 0

    @property
    def wide_maps(self) -> tuple[WideConvPlan, ...]:
        """The convolutions of a wide core: its first layers."""
        return tuple(layer for layer in self.layers if isinstance(layer, WideConvPlan))

    @property
    def short_of_blocks(self) -> bool:
        """Whether the states of layers on maps leave an iCE40 few blocks of RAM for anything else."""
        if architecture(self.target) != "ice40" or not any(layer.listed for layer in self.layers):
            return False
        states = sum(-(-x.words // 256) * -(-x.state_word_bits // 16) for x in self.layers)
        return 4 * states > 3 * DEVICES[self.target].ram_blocks

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
        if self.network.readout == "membrane":
            # What a sum lacks to the highest membrane in every step.
            most = self.network.timesteps * ((1 << self.network.layers[-1].spec.state_bits) - 1)
            return (most + 1).bit_length()
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
        """Pieces of a label, each as wide as a count, in the memory of slots."""
        return -(-16 // self.count_bits)

    @property
    def threshold_pieces(self) -> int:
        """Pieces of a slot's decision threshold, likewise; all ones, which no distance is: it has none."""
        return -(-self.distance_bits // self.count_bits)

    @property
    def record_pieces(self) -> int:
        """L: pieces of what a slot's column holds beside counts, label and threshold."""
        return self.label_pieces + self.threshold_pieces

    @property
    def tick_clocks(self) -> int:
        """Clocks from a TICK taken by the readout until it takes another event."""
        if self.network.readout == "membrane":
            return 3 * self.layers[-1].words + 1
        return self.network.outputs + 2 if self.slots else 1

    @property
    def result_clocks(self) -> int:
        """Clocks from a frame's last TICK, or word of membranes, taken by the readout to its result."""
        if self.network.readout == "membrane":
            return self.network.outputs + 2 * self.layers[-1].words + 5
        return self.compared + 7 + (self.record_pieces if self.slots else 0)

    @property
    def reference_rows(self) -> int:
        """Rows of the reference memory: T * 2^a, and enough for every column's record in one column."""
        rows = self.network.timesteps << self.output_bits
        return max(rows, self.columns << bits_for(self.record_pieces - 1)) if self.slots else rows

    def reference_left(self) -> np.ndarray:
        """The memory of fixed references [rows, K]: steps left at each spike, its own among them.

        That of neuron n's spike i, from 0, of reference k in row i * 2^a + n, a the bits of an output
        address; 0 where it has no such spike.
        """
        counts = self.network.references.counts.astype(np.int64)  # [K, T, N]
        left = np.array([(counts > i).sum(axis=1) for i in range(self.network.timesteps)])  # [T, K, N]
        return self._rows(left.transpose(1, 0, 2))

    def _rows(self, values: np.ndarray) -> np.ndarray:
        """[K, T, N] -> [T * 2^a, K]; rows beyond the last neuron are 0 and never read."""
        padded = np.pad(values, [(0, 0), (0, 0), (0, (1 << self.output_bits) - values.shape[2])])
        return padded.transpose(1, 2, 0).reshape(-1, len(values))

    def reference_table(self) -> np.ndarray:
        """The memory of slots, its first content [rows, columns]: R_k(t, n) in row t * 2^a + n, column k.

        a is the bits of an output address. One more column holds records, a label's pieces and then a
        threshold's, piece i of column c's in row c * 2^p + i, p the bits of a piece's number; slots without a
        reference hold 0.
        """
        references = self.network.references
        table = self._rows(references.counts.astype(np.int64))
        found = np.zeros((self.reference_rows, self.columns + 1), np.int64)
        found[: len(table), : self.references] = table
        none = (1 << self.distance_bits) - 1
        for column in range(self.columns):
            kept = column < self.references
            label, limit = (int(references.labels[column]), self.limit(column)) if kept else (0, none)
            record = label | limit << self.label_pieces * self.count_bits
            for piece in range(self.record_pieces):
                row = (column << bits_for(self.record_pieces - 1)) + piece
                found[row, -1] = record >> (piece * self.count_bits) & ((1 << self.count_bits) - 1)
        return found

    def limit(self, reference: int) -> int:
        """The threshold of a reference's own in `distance_bits`, all ones if it has none.

        No distance is beyond the greatest threshold, all ones but for the lowest bit.
        """
        most, own = (1 << self.distance_bits) - 1, self.network.references.threshold
        return most if own is None else min(int(own[reference]), most - 1)
