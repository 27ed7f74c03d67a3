"""The torch twin of each layer kind. A new kind is one file beside this one and one row here."""

from .base import QuantLayer
from .dense import QuantDense

LAYERS: dict[str, type[QuantDense]] = {"dense": QuantDense}


def make_layer(shape: tuple[int, ...], settings, where: str) -> QuantLayer:
    """The layer of a configuration's `[[layers]]` entry behind a map of `shape`."""
    return LAYERS[settings.kind].of(shape, settings, where)
