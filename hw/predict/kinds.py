"""The clocks of each layer kind. A new kind is one file beside this one and one row here."""

from .conv_cycles import ConvLayer
from .delay_cycles import DelayStation
from .pool_cycles import PoolStation
from .serial_cycles import Layer
from .taps_cycles import TapsLayer

STATIONS: dict[str, type[Layer]] = {"dense": Layer, "conv": ConvLayer, "taps": TapsLayer}
RELAYS: dict[str, type[PoolStation] | type[DelayStation]] = {"pool": PoolStation, "delay": DelayStation}
