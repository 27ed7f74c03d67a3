"""The torch twin of each layer kind. A new kind is one file beside this one and one row here."""

from .base import QuantLayer
from .conv import QuantConv
from .dense import QuantDense
from .pool import QuantPool

LAYERS: dict[str, type[QuantDense] | type[QuantConv] | type[QuantPool]] = {
    "dense": QuantDense,
    "conv": QuantConv,
    "pool": QuantPool,
}


def make_layer(shape: tuple[int, ...], settings, where: str) -> QuantLayer | QuantPool:
    """The layer of a configuration's `[[layers]]` entry behind a map of `shape`."""
    made = LAYERS[settings.kind].of(shape, settings, where)
    if isinstance(made, QuantLayer):
        made.hold = settings.hold
    return made
