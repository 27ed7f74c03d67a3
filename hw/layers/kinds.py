"""The walker of each layer kind. A new kind is one file beside this one and one row here."""

from collections.abc import Callable

from .conv import ConvWalker
from .delay import DelayStage
from .dense import DenseWalker
from .pool import PoolStage
from .taps import TapsWalker
from .walker import Walker

WALKERS: dict[str, type[Walker]] = {"dense": DenseWalker, "conv": ConvWalker, "taps": TapsWalker}
RELAYS: dict[str, Callable[..., PoolStage | DelayStage]] = {"pool": PoolStage, "delay": DelayStage}
