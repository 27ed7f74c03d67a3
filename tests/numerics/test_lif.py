import numpy as np
import pytest

from twinspike.numerics import lif

PLAIN = {"leak_shift": 0, "reset": "subtract", "single_spike": False, "state_bits": 8}


def one_step(v, current, *, bias=0, threshold=10, fired=False, **spec):
    arrays = (np.array([[value]]) for value in (v, fired, current))
    v, fired, spike = lif.step(*arrays, np.array([bias]), np.array([threshold]), **{**PLAIN, **spec})
    return int(v[0, 0]), bool(fired[0, 0]), bool(spike[0, 0])


def test_state_range_is_twos_complement():
    assert lif.state_range(2) == (-2, 1)
    assert lif.state_range(12) == (-2048, 2047)
    assert lif.state_range(32) == (-(2**31), 2**31 - 1)


@pytest.mark.parametrize("shift", [1, 2, 3, 31])
def test_leak_floors_towards_minus_infinity(shift):
    v = np.arange(-300, 300)
    assert lif.leak(v, shift).tolist() == [value - value // 2**shift for value in range(-300, 300)]
    assert np.array_equal(lif.leak(v, 0), v)


def test_threshold_is_reached_at_equality_and_subtracted():
    assert one_step(0, 9) == (9, False, False)
    assert one_step(0, 10) == (0, True, True)
    assert one_step(3, 10, bias=4) == (7, True, True)
    assert one_step(3, 10, bias=4, reset="zero") == (0, True, True)


def test_clamp_comes_after_integration_and_before_the_comparison():
    assert one_step(100, 100) == (117, True, True)  # 127 - 10, not 190
    assert one_step(-100, -100) == (-128, False, False)
    assert one_step(100, 100, threshold=128) == (127, False, False)  # out of reach for 8 bits


def test_single_spike_silences_but_keeps_integrating():
    assert one_step(5, 20, fired=True, single_spike=True) == (25, True, False)
    assert one_step(5, 20, fired=False, single_spike=True) == (15, True, True)
    assert one_step(5, 20, fired=True) == (15, True, True)


def test_nothing_is_modified_in_place():
    v, fired, current = np.array([[9]]), np.array([[False]]), np.array([[5]])
    lif.step(v, fired, current, np.array([0]), np.array([10]), **PLAIN)
    assert (v[0, 0], fired[0, 0], current[0, 0]) == (9, False, 5)
