"""The registry of layer kinds. A new kind is one file beside this one and one row here."""

from .base import Synapses
from .conv import Conv
from .delay import Delay
from .dense import Dense
from .pool import Pool
from .taps import Taps
from .upsample import Upsample

KINDS: dict[str, type[Synapses]] = {kind.kind: kind for kind in (Dense, Conv, Taps, Pool, Delay, Upsample)}
