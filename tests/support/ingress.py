"""What the ingress lets through, word by word."""

from functools import reduce
from operator import or_

from twinspike.numerics.ingress import sound_events


def reference(words, inputs, timesteps):
    """The events behind the checks, and the flags that stay."""
    events, flags = sound_events(words, timesteps, inputs)
    return events, reduce(or_, flags)
