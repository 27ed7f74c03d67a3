"""What every walker is to its layer: events in, pairs of state word and weights out."""

from typing import NamedTuple

from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..parts.events import event_layout, times_field, word_shape
from ..plan import LayerPlan
from ..weights.image import load_layout
from ..weights.stores import BlockWeights, SpramWeights, borrowed, lent, lent_pairs


def pair_layout(plan: LayerPlan) -> data.StructLayout:
    """One state word to visit. Its weights follow one clock later, beside the word read from state.

    `tick`: fire sweep instead of integration (no weights); `last`: the frame ends;
    `quiet`: the sweep that initialises the state after reset, its spikes do not count. Where the sweep
    follows a list (`listed`), `end`: its last word; `void`: no word was reached, none is visited.
    `times`: how often the weights count, where an event may count several times.
    """
    more = {"end": 1} if plan.listed else {}
    more |= {"void": 1} if plan.sweeps_reached else {}
    more |= times_field(plan.most)
    return data.StructLayout({"word": word_shape(plan.words), "tick": 1, "last": 1, "quiet": 1, **more})


class WeightPort(NamedTuple):
    """The port by which a walker reads weights: `address`, and `data` as BlockWeights gives them."""

    address: Value
    data: Value


class Walker(wiring.Component):
    """The part of a layer that knows its kind; a subclass per kind is found through hw/layers/kinds.py.

    Members: `i` (In stream of events), `pair` (Out, payload with `pair_valid`), `weights` (Out,
    one clock after its pair), `room` (In: a step's spikes can be taken; where the sweep follows a list: a
    word's), `sweep` (Out: pulses when a TICK's walk starts); with SPRAM weights also `load` (In, of
    hw/weights/image.py's load_layout); where a TICK sweeps what was reached `fresh`, `fresh_word` (In, as
    Neurons has them); where its memory is lent to other layers, or another's, those of `lent` and `borrowed`
    of hw/weights/stores.py.
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        members = {
            "i": In(stream.Signature(event_layout(plan.inputs, plan.most))),
            "pair": Out(pair_layout(plan)),
            "pair_valid": Out(1),
            "weights": Out(plan.weight_word_bits),
            "room": In(1),
            "sweep": Out(1),
        }
        if plan.memory == "spram":
            members["load"] = In(load_layout(plan))
        if plan.sweeps_reached:
            members |= {"fresh": In(1), "fresh_word": In(word_shape(plan.words))}
        super().__init__(members | lent(plan) | borrowed(plan))

    def add_memory(self, m) -> WeightPort:
        """The port of the weight memory: of a submodule, or of another layer's memory.

        The submodule is connected to `load` where weights are loaded, and to the other layers that read it.
        """
        if self._plan.memory == "shared":
            return WeightPort(self.weight_address, self.weight_data)
        memory = SpramWeights(self._plan) if self._plan.memory == "spram" else BlockWeights(self._plan)
        m.submodules.memory = memory
        if self._plan.memory == "spram":
            m.d.comb += memory.load.eq(self.load)
        for address, word in lent_pairs(self._plan):
            m.d.comb += [
                getattr(memory, address).eq(getattr(self, address)),
                getattr(self, word).eq(getattr(memory, word)),
            ]
        return WeightPort(memory.address, memory.data)
