"""The on-chip encoder: the words of the software's encoding, in the clocks that its docstring states."""

import dataclasses

import numpy as np
import pytest
from support.networks import random_network
from support.optional import needs
from support.streams import pump

from twinspike.config import available, load_config
from twinspike.hw.bus.pixel_encoder import PixelEncoder, PixelRows
from twinspike.hw.plan import make_plan
from twinspike.hw.plan.pixel_encodings import STEPS
from twinspike.model.data.shipped import load_dataset
from twinspike.numerics.encodings import (
    Graded,
    Latency,
    LatencyDense,
    RankOrder,
    Threshold,
    ThresholdDense,
    Timed,
)
from twinspike.numerics.errors import TwinspikeError


def network_of(encoding, shape, timesteps):
    return random_network(1, timesteps=timesteps, shape=shape, widths=(2,), classes=1, encoder=encoding)


def pixels_of(image):
    flat = image.reshape(-1).tolist()
    return [{"pixel": x, "last": i == len(flat) - 1} for i, x in enumerate(flat)]


def words_of(network, images):
    """(word | last << 16) of the frames, as the software's encoding has them."""
    found = []
    for image in images:
        words, last = network.encoder.events(image, network.timesteps)
        found += [int(w) | int(e) << 16 for w, e in zip(words, last, strict=True)]
    return found


def clocks_of(network, image, start):
    """Clocks of a frame's words by the docstring's formula, the last pixel being taken in clock `start`."""
    rows = PixelRows(network)
    spikes = network.encode(image[None])[:, 0]
    padded = np.pad(spikes, [(0, 0), (0, rows.words * rows.lanes - rows.addresses)])
    counts = padded.reshape(network.timesteps, rows.words, rows.lanes).sum(axis=2)
    shown, free, clocks = start + 5, 0, []
    for step in counts:
        for row, s in enumerate(step.tolist()):
            end = row == rows.words - 1
            if s + end == 0:
                shown += 1
                continue
            taken = max(shown, free)
            clocks += range(taken + 3, taken + 3 + s + end)
            free, shown = taken + s + end + 1, taken + 1
    return clocks


SHAPES = [
    (Latency(32), (5,), 8),
    (Latency(0), (3, 7), 3),
    (LatencyDense(100), (17,), 5),
    (Latency(255), (9,), 1),
    (Threshold(128), (10,), 4),
    (ThresholdDense(128), (6,), 2),
    (Latency(1), (1,), 7),
    (Latency(20), (8,), 255),
]


@pytest.mark.parametrize(("encoding", "shape", "timesteps"), SHAPES)
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_words_are_those_of_the_encoding(encoding, shape, timesteps, stall):
    network, rng = network_of(encoding, shape, timesteps), np.random.default_rng(timesteps)
    images = rng.integers(0, 256, (3, *shape), dtype=np.uint8)
    images[1], images[2, ..., 0] = 0, 255
    wanted = words_of(network, images)
    pixels = [pixel for image in images for pixel in pixels_of(image)]
    passed = pump(
        PixelEncoder(network),
        pixels,
        expected=len(wanted),
        rng=rng,
        stall_in=stall,
        stall_out=stall,
        extra=2 * network.timesteps * PixelRows(network).words + 20,
    )
    assert passed.outputs == wanted
    if not stall:
        ends = passed.taken[network.inputs - 1 :: network.inputs]
        foretold = [
            c for image, end in zip(images, ends, strict=True) for c in clocks_of(network, image, end)
        ]
        assert passed.clocks == foretold
        # A pixel per clock, and the next frame's from the clock after the last word on.
        assert passed.taken[: network.inputs] == list(range(network.inputs))
        first = passed.clocks[len(words_of(network, images[:1])) - 1]
        assert passed.taken[network.inputs] == first + 1


def test_every_pixel_value_for_many_numbers_of_steps():
    """The step's arithmetic, exhaustively in the pixel: a row of all 256 values."""
    for timesteps in (1, 2, 3, 8, 10, 100, 255):
        network = network_of(Latency(1), (256,), timesteps)
        image = np.arange(256, dtype=np.uint8)
        wanted = words_of(network, [image])
        passed = pump(PixelEncoder(network), pixels_of(image), expected=len(wanted), extra=5)
        assert passed.outputs == wanted, timesteps


@needs("datasets")
def test_real_images_of_every_configuration():
    """One image of each dataset, as each configuration encodes it."""
    settings = [load_config(name) for name in available()]
    assert len(settings) > 5
    for dataset, encoding, timesteps in {(s.dataset, s.encoder, s.timesteps) for s in settings}:
        if isinstance(encoding, Graded | Timed):
            continue  # has an encoder of its own: test_graded_encoder.py; or samples are spikes already
        assert isinstance(encoding, STEPS), dataset
        images = load_dataset(dataset).test_images[[7]]
        network = network_of(encoding, images.shape[1:], timesteps)
        wanted = words_of(network, images)
        passed = pump(PixelEncoder(network), pixels_of(images[0]), expected=len(wanted), extra=10)
        assert passed.outputs == wanted, (dataset, encoding, timesteps)


def test_a_frame_whose_last_is_misplaced_is_dropped_and_flagged():
    network = network_of(Latency(10), (4,), 3)
    good = np.array([200, 0, 100, 30], np.uint8)
    short, long = pixels_of(good)[:2], [*pixels_of(good), *pixels_of(good)[:3]]
    short[-1]["last"], long[3]["last"], long[-1]["last"] = 1, 0, 1
    passed = pump(
        PixelEncoder(network),
        [*short, *pixels_of(good), *long, *pixels_of(good), *short, *pixels_of(good)],
        expected=3 * len(words_of(network, [good])),
        extra=30,
    )
    assert passed.outputs == 3 * words_of(network, [good])


def test_encodings_that_need_the_whole_image_are_refused():
    network = dataclasses.replace(random_network(), encoder=RankOrder())
    with pytest.raises(
        TwinspikeError, match=r"encoding rank-order of tiny is not made on the chip; .*: latency,"
    ):
        make_plan(network, pixels=True)
