"""Which layers' states lie in blocks of RAM although flip-flops would cost an iCE40's synthesis as little."""

import dataclasses

from ..devices import DEVICES, architecture
from .layer import LayerPlan

# A block of an iCE40 as yosys weighs it against flip-flops: 16 bits wide, as dear as 4 words of those.
_WIDTH, _WORDS = 16, 4


def states_in_blocks(layers: list[LayerPlan], target: str) -> list[LayerPlan]:
    """States of 4 words cost a block or as many flip-flops, with a multiplexer more and longer paths.

    They are asked to lie in blocks while all states together take two thirds of the device's at most.
    """
    if architecture(target) != "ice40":
        return layers
    taken = sum(-(-x.words // 256) * -(-x.state_word_bits // _WIDTH) for x in layers if x.words >= _WORDS)
    if 3 * taken > 2 * DEVICES[target].ram_blocks:
        return layers
    return [dataclasses.replace(x, state_style="block") if x.words == _WORDS else x for x in layers]
