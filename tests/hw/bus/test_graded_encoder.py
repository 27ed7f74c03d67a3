"""The on-chip encoder of graded input: the words that the frame amounts to, in its docstring's clocks."""

import numpy as np
import pytest
from support.networks import random_network
from support.streams import pump

from twinspike.hw.bus.graded_encoder import pixel_encoder
from twinspike.numerics.encodings import Graded
from twinspike.numerics.events import TICK
from twinspike.numerics.ingress import LAST, sanitise
from twinspike.numerics.values import VALUE


def network_of(bits, shape, timesteps):
    return random_network(1, timesteps=timesteps, shape=shape, widths=(2,), classes=1, encoder=Graded(bits))


def pixels_of(image, last=True):
    flat = image.reshape(-1).tolist()
    return [{"pixel": x, "last": last and i == len(flat) - 1} for i, x in enumerate(flat)]


def words_and_clocks(network, image, start):
    """A frame's words and their clocks by the docstring, the last pixel being taken in clock `start`."""
    words, clocks, seen, times = [], [], start + 2, 1
    for address, count in enumerate(network.encode(image[None])[0, 0].tolist()):
        values = [VALUE | count] if count and count != times else []
        own = [*values, address] if count else []
        clocks += range(seen + 1, seen + 1 + len(own))
        seen += 1 + len(values)
        words, times = words + own, count or times
    ticks = network.timesteps
    return [*words, *[TICK] * (ticks - 1), TICK | LAST], [*clocks, *range(seen + 1, seen + 1 + ticks)]


def images_of(shape, count):
    images = np.random.default_rng(len(shape)).integers(0, 256, (count, *shape), dtype=np.uint8)
    images[np.random.default_rng(1).random(images.shape) < 0.3] = 0
    images[1], images[2, ..., 0] = 0, 255
    return images


@pytest.mark.parametrize(
    ("bits", "shape", "timesteps"), [(4, (3, 7), 3), (2, (17,), 1), (1, (9,), 5), (3, (1,), 2)]
)
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_words_are_those_of_the_encoding(bits, shape, timesteps, stall):
    network, images = network_of(bits, shape, timesteps), images_of(shape, 4)
    wanted = [word for image in images for word in words_and_clocks(network, image, 0)[0]]
    meant, flags = sanitise(wanted, timesteps, network.inputs, values=True)
    assert np.array_equal(meant, network.encode(images)) and not flags.any()
    passed = pump(
        pixel_encoder(network),
        [pixel for image in images for pixel in pixels_of(image)],
        expected=len(wanted),
        rng=np.random.default_rng(2),
        stall_in=stall,
        stall_out=stall,
    )
    assert passed.outputs == wanted
    if stall:
        return
    start, wanted = 0, []
    for image in images:
        clocks = words_and_clocks(network, image, start + network.inputs - 1)[1]
        wanted += clocks
        start = clocks[-1] + 1
    assert passed.clocks == wanted


def test_a_frame_of_another_length_is_dropped():
    network, seen = network_of(4, (5,), 2), []
    images = images_of((5,), 4)
    dut = pixel_encoder(network)
    short, long = pixels_of(images[0][:3]), [*pixels_of(images[1], last=False), *pixels_of(images[1][:2])]
    wanted = words_and_clocks(network, images[2], 0)[0] + words_and_clocks(network, images[3], 0)[0]
    passed = pump(
        dut,
        [*short, *pixels_of(images[2]), *long, *pixels_of(images[3])],
        expected=len(wanted),
        each=lambda ctx, clock: seen.append(ctx.get(dut.stray)),
    )
    assert passed.outputs == wanted and sum(seen) == 2
