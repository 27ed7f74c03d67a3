"""Payload shapes of the streams inside the core."""

from amaranth.hdl import ShapeLike
from amaranth.lib import data
from amaranth.utils import bits_for

AXIS = data.StructLayout({"data": 16, "last": 1})


def event_layout(addresses: int, most: int = 1) -> data.StructLayout:
    """An address event, or a TICK (`tick`; `last` on the frame's last one; `address` unused).

    Where an event may count several times, `most` of them, `times` says how often.
    """
    fields = {"address": bits_for(max(addresses - 1, 1)), "tick": 1, "last": 1}
    return data.StructLayout(fields | times_field(most))


def times_field(most: int) -> dict[str, int]:
    """The field that says how often an event counts, up to `most` times; none where that is once."""
    return {"times": bits_for(most)} if most > 1 else {}


def mask_layout(lanes: int, words: int) -> data.StructLayout:
    """Spikes of one word of neurons; `end` marks the step's last word, `last` the frame's last step."""
    return data.StructLayout({"mask": lanes, "word": word_shape(words), "end": 1, "last": 1})


def word_shape(words: int) -> ShapeLike:
    """Shape of a word index 0..words-1 (one bit where there is a single word)."""
    return bits_for(max(words - 1, 1))
