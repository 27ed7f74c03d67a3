"""Weight images: sound, damaged and foreign."""

import dataclasses

from support.networks import random_network

from twinspike.hw.plan import make_plan

# (loaded, foreign, damaged) after an image.
FINE, FOREIGN, DAMAGED = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def small_plan():
    """A plan whose first layer is said to lie in SPRAM, small as it is: 15 words."""
    small = make_plan(random_network(3, shape=(5,), widths=(11, 2)), (4, 1))
    return dataclasses.replace(
        small, layers=(dataclasses.replace(small.layers[0], memory="spram"), small.layers[1])
    )
