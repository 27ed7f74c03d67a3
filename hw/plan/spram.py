"""Which layers' weights lie in the single-port RAM of UP5K: four blocks, given out layer by layer."""

import dataclasses
from collections.abc import Sequence
from math import prod

from ...numerics.errors import TwinspikeError
from ..devices import SPRAM_BITS, SPRAM_WIDTHS, UP5K_SPRAM_BLOCKS
from .layer import LayerPlan

# A layer of more weight bits than this goes to SPRAM on a device that has it (8 EBR of 4 kbit).
SPRAM_FROM_BITS = 8 * 4096
# Beside maps, whose states and queues take most blocks of RAM, a layer of 2 EBR does, if SPRAM is left.
SPARED_FROM_BITS = 2 * 4096


def share_spram(layers: Sequence[LayerPlan], name: str, numbers: Sequence[int]) -> list[LayerPlan]:
    """The layers of the network called `name` with those in SPRAM that need it, or that save block RAM.

    A single layer has all blocks, several have what they need. Raises TwinspikeError if a layer that needs
    SPRAM does not fit. `numbers`: which layer of the network each is.
    """
    chosen = {}
    for index, plan in enumerate(layers):
        if weight_bits(plan) > SPRAM_FROM_BITS:
            check_spram(plan, index, numbers[index])
            chosen[index] = plan.spram_need
    need = sum(chosen.values())
    if need > UP5K_SPRAM_BLOCKS:
        raise TwinspikeError(
            f"{len(chosen)} layers of {name} need {need} blocks of SPRAM, up5k has {UP5K_SPRAM_BLOCKS}: "
            "use fewer weight bits, smaller layers, fewer lanes or a larger device"
        )
    if any(plan.listed for plan in layers):
        order = sorted(range(len(layers)), key=lambda i: weight_bits(layers[i]), reverse=True)
        for index in order:
            plan = layers[index]
            spares = weight_bits(plan) > SPARED_FROM_BITS and plan.weight_word_bits in SPRAM_WIDTHS
            if index not in chosen and spares and need + plan.spram_need <= UP5K_SPRAM_BLOCKS:
                chosen[index] = plan.spram_need
                need += plan.spram_need
    if len(chosen) == 1:
        chosen = dict.fromkeys(chosen, UP5K_SPRAM_BLOCKS)
    return [
        dataclasses.replace(plan, memory="spram", spram_blocks=chosen[index]) if index in chosen else plan
        for index, plan in enumerate(layers)
    ]


def weight_bits(plan: LayerPlan) -> int:
    return prod(plan.layer.weight.shape) * plan.layer.spec.weight_bits


def check_spram(plan: LayerPlan, index: int, number: int) -> None:
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
            f"layers.{number}: {need} weight bits do not fit the {have} bits of up5k's SPRAM "
            f"({need - have} too many): use fewer weight bits, fewer neurons or a larger device"
        )
