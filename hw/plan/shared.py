"""Layers that read one memory of weights: those that share weights and store them alike."""

import dataclasses

from ...quant.network import Network
from .layer import LayerPlan


def share_memories(layers: list[LayerPlan], network: Network, numbers: list[int]) -> list[LayerPlan]:
    """Let layers with `weights_of` read the owner's memory, each through a port of its own.

    Both must keep their weights in initialised memory, in words of equal content: the same lanes, and maps
    of the same fields. Else a layer has a memory of its own. `numbers`: which layer of the network each is.
    """
    found = list(layers)
    for place, number in enumerate(numbers):
        of = network.layers[number].weights_of
        if of is None:
            continue
        lender = numbers.index(of)
        mine, theirs = found[place], found[lender]
        initialised = mine.memory == theirs.memory == "block"
        if initialised and mine.lanes == theirs.lanes and mine.weight_image() == theirs.weight_image():
            found[place] = dataclasses.replace(mine, memory="shared", lender=lender)
            found[lender] = dataclasses.replace(theirs, readers=theirs.readers + 1)
    return found
