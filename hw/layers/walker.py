"""What every walker hands to the neurons: the state words that an event or a TICK visits."""

from amaranth.lib import data

from ..parts.events import word_shape
from ..plan import LayerPlan


def pair_layout(plan: LayerPlan) -> data.StructLayout:
    """One state word to visit. Its weights follow one clock later, beside the word read from state.

    `tick`: fire sweep instead of integration (no weights); `last`: the frame ends;
    `quiet`: the sweep that initialises the state after reset, its spikes do not count.
    """
    return data.StructLayout({"word": word_shape(plan.words), "tick": 1, "last": 1, "quiet": 1})
