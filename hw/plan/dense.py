"""A dense layer in hardware: an event walks its row of weights, word by word."""

import dataclasses

import numpy as np

from .layer import STATE_LATENCY, UPDATE_LATENCY, LayerPlan, Visit
from .words import pack_words


@dataclasses.dataclass(frozen=True, eq=False)
class DensePlan(LayerPlan):
    """Every event visits all W state words in order; its row of weights has W words as well."""

    def visits(self, address: int) -> list[Visit]:
        return [Visit(word, address * self.words + word) for word in range(self.words)]

    def event_clocks(self, address: int) -> float:
        return 1 / self.events_per_clock if self.events_per_clock else self.row_clocks

    @property
    def row_clocks(self) -> int:
        """C = max(W, 3): clocks for which an event occupies the layer (1 where it is wide)."""
        return 1 if self.events_per_clock else max(self.words, UPDATE_LATENCY)

    @property
    def tick_clocks(self) -> int:
        """W, but max(W + 2, 5) where W < 5: clocks for which a TICK occupies the layer (1 where it is wide).

        A quick layer's next event writes its sum 2 clocks earlier after its pair than the sweep does.
        """
        if self.events_per_clock:
            return 1
        ahead = STATE_LATENCY - UPDATE_LATENCY
        return max(self.words + ahead, STATE_LATENCY) if self.quick else self.words

    @property
    def quick(self) -> bool:
        """Whether a word would have to wait for its sum: with 5 or more, none is visited again so soon."""
        return not self.events_per_clock and self.words < STATE_LATENCY

    @property
    def weight_words(self) -> int:
        return self.inputs * self.words

    def weight_image(self) -> list[int]:
        """Word address * W + w holds the weights of state word w; rows of padding addresses are 0."""
        codes = self.weight_codes()  # [N, inputs]
        if self.arrivals is not None:
            codes = np.where(self.arrivals < 0, 0, codes[:, self.arrivals.clip(0)])
        lanes = self.padded(codes).transpose(2, 0, 1).reshape(self.weight_words, self.lanes)
        return pack_words(lanes, self.layer.spec.weight_bits)
