"""Distorted copies of an image: near it, not it, and the same ones every time."""

import numpy as np
import pytest

from twinspike.host.copies import SHIFT, distorted


def stroke():
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 12:16] = 200
    return image


def test_copies_are_near_the_image_and_repeat():
    image = stroke()
    copies = distorted(image, 24)
    assert copies.shape == (24, 28, 28) and copies.dtype == np.uint8
    assert np.array_equal(copies, distorted(image, 24)) and not np.array_equal(
        copies, distorted(image, 24, 1)
    )
    assert len({copy.tobytes() for copy in copies}) == 24
    # Ink stays about as much, and its middle within the shift and what size and shear move it by.
    ink = copies.sum(axis=(1, 2), dtype=float) / image.sum()
    assert ink.min() > 0.7 and ink.max() < 1.4
    rows, columns = np.mgrid[:28, :28]
    for copy in copies.astype(float):
        middle = np.array([(rows * copy).sum(), (columns * copy).sum()]) / copy.sum()
        assert np.abs(middle - 13.5).max() < SHIFT * 13.5 + 1.0
    # On average nothing is moved to one side.
    assert abs((columns * copies.mean(axis=0)).sum() / copies.mean(axis=0).sum() - 13.5) < 0.5


def test_channels_are_distorted_alike():
    image = np.stack([stroke(), np.zeros((28, 28), np.uint8), stroke() // 2], axis=2)
    for copy in distorted(image, 5):
        assert not copy[..., 1].any()
        assert np.abs(copy[..., 0] / 2 - copy[..., 2]).max() <= 1
    assert distorted(stroke(), 0).shape == (0, 28, 28)
    with pytest.raises(ValueError, match="an image is"):
        distorted(np.zeros((4, 5, 6, 7), np.uint8), 1)
