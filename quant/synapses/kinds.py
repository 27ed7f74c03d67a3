"""The registry of layer kinds. A new kind is one file beside this one and one row here."""

from .base import Synapses
from .dense import Dense

KINDS: dict[str, type[Synapses]] = {kind.kind: kind for kind in (Dense,)}
