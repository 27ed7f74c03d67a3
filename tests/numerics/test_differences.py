"""The first difference of spike trains, in the order in which frames are sent."""

import numpy as np

from twinspike.numerics.differences import first_difference


def test_equal_trains_have_none():
    assert first_difference(np.ones((2, 3, 4), bool), np.ones((2, 3, 4), bool)) is None


def test_an_early_frame_comes_before_an_early_step():
    golden = np.zeros((3, 4, 5), dtype=bool)
    got = golden.copy()
    got[0, 2, 1] = got[2, 1, 4] = got[2, 1, 3] = True
    assert first_difference(golden, got) == (1, 2, 3)
