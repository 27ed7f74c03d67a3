"""The walker of each layer kind. A new kind is one file beside this one and one row here."""

from .dense import DenseWalker
from .walker import Walker

WALKERS: dict[str, type[Walker]] = {"dense": DenseWalker}
