"""A network in a few words: how many inputs and neurons there are, and where they are maps."""

from .network import Network


def sizes(network: Network) -> list[int | str]:
    """The input's and each layer's size in order: a number, or a map as "28x28x1" (height, width, channels).

    The input is a map where a layer sees it as one.
    """
    maps = [
        layer.synapses.map
        for index, layer in enumerate(network.layers)
        if -1 in network.sources(index) and hasattr(layer.synapses, "map")
    ]
    seen = size(tuple(maps[0])) if maps else network.inputs
    return [seen, *(size(layer.shape) for layer in network.layers)]


def size(shape: tuple[int, ...]) -> int | str:
    """The number of a plain layer's neurons, or its map."""
    return shape[0] if len(shape) == 1 else "x".join(map(str, shape))
