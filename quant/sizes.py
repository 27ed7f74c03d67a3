"""A network in a few words: how many inputs and neurons there are, and where they are maps."""

from .network import Network


def sizes(network: Network) -> list[int | str]:
    """The input's and each layer's size in order: a number, or a map as "28x28x1" (height, width, channels).

    The input is a map where a layer sees it as one.
    """
    seen: list[int | str] = [
        size(tuple(shape))
        for index, layer in enumerate(network.layers)
        if -1 in network.sources(index) and (shape := getattr(layer.synapses, "map", None))
    ]
    return [*(seen[:1] or [network.inputs]), *(size(layer.shape) for layer in network.layers)]


def size(shape: tuple[int, ...]) -> int | str:
    """The number of a plain layer's neurons, or its map."""
    return shape[0] if len(shape) == 1 else "x".join(map(str, shape))
