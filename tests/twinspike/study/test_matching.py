import numpy as np

from twinspike.study.matching import block_matching


def test_a_shifted_picture_has_its_shift():
    right = np.random.default_rng(0).integers(0, 5, (12, 30, 2))
    left = np.zeros_like(right)
    left[:6, 3:], left[6:, 7:] = right[:6, :-3], right[6:, :-7]
    found = block_matching(left, right, 9, 3)
    assert (found[1:5, 10:] == 3).all() and (found[7:11, 10:] == 7).all()


def test_a_tie_goes_to_the_smaller_disparity_and_nothing_matches_outside():
    plain = np.ones((4, 10, 1))
    assert not block_matching(plain, plain, 5, 3).any()
    found = block_matching(plain, plain * 0, 5, 3)
    assert not found.any()


def test_differences_count_in_full_where_windows_are_uneven():
    # One difference in a window of nine is less than a whole: it must not be lost.
    left, right = np.zeros((5, 9, 1), int), np.zeros((5, 9, 1), int)
    left[2, 6], right[2, 4] = 1, 1
    assert block_matching(left, right, 4, 3)[2, 6] == 2
