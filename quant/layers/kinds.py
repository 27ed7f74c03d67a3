"""The torch twin of each layer kind. A new kind is one file beside this one and one row here."""

from .base import QuantLayer, Wiring
from .conv import QuantConv
from .delay import QuantDelay
from .dense import QuantDense
from .pool import QuantPool
from .relay import Relay
from .taps import QuantTaps
from .upsample import QuantUpsample

LAYERS: dict[
    str,
    type[QuantDense]
    | type[QuantConv]
    | type[QuantTaps]
    | type[QuantPool]
    | type[QuantDelay]
    | type[QuantUpsample],
] = {
    "dense": QuantDense,
    "conv": QuantConv,
    "taps": QuantTaps,
    "pool": QuantPool,
    "delay": QuantDelay,
    "upsample": QuantUpsample,
}


def make_layer(shape: tuple[int, ...], settings, where: str) -> QuantLayer | Relay:
    """The layer of a configuration's `[[layers]]` entry behind a map of `shape`."""
    made = LAYERS[settings.kind].of(shape, settings, where)
    shared = getattr(settings, "weights_of", -1)
    made.wiring = Wiring(settings.sources, settings.combine, None if shared < 0 else shared)
    if isinstance(made, QuantLayer):
        made.hold = settings.hold
    return made
