"""Gradients of firing times: the compiled passage beside torch's, and firing times checked by hand."""

import ctypes

import pytest
import torch

from twinspike.model.inputs.events import events_of_spikes
from twinspike.model.kernels import native
from twinspike.model.kernels.conv import Window
from twinspike.model.kernels.firing import Stage, firing
from twinspike.model.rules.firing import steps_of
from twinspike.model.rules.passage import by_torch, target_times

STEPS = 12


def stage(shape, kernel, filters, generator, *, stride=1, padding=0, bits=1, threshold=2.0):
    height, width, channels = shape
    rows, columns = ((size + 2 * padding - kernel) // stride + 1 for size in (height, width))
    pairs = ((ctypes.c_int64 * 2)(one, one) for one in (kernel, stride, padding, 1))
    window = Window(height, width, channels, rows, columns, filters, 1, *pairs)
    weight = torch.rand(channels, kernel, kernel, filters, generator=generator) * 2 - 0.7
    limit = float(max(1, 2 ** (bits - 1) - 1))
    inverse = torch.full((filters,), limit)
    thresholds = torch.full((filters,), threshold * limit)
    return Stage(window, weight, torch.zeros_like(weight), inverse, thresholds, limit, bits == 1)


def network(bits, seed=0):
    """A convolution of 5 x 5 places and 3 channels, one of 3 x 3 and 16, and a dense layer of 19 outputs."""
    generator = torch.Generator().manual_seed(seed)
    stages = [
        stage((5, 5, 1), 3, 3, generator, padding=1, bits=bits),
        stage((5, 5, 3), 3, 16, generator, stride=2, padding=1, bits=bits),
        stage((1, 1, 144), 1, 19, generator, bits=bits, threshold=8.0),
    ]
    when = torch.randint(0, STEPS + 1, (6, 25), generator=generator, dtype=torch.uint8)
    return stages, when, torch.randint(0, 19, (6,), generator=generator)


@pytest.mark.skipif(not native.usable(), reason="no C++ compiler")
@pytest.mark.parametrize("bits", [1, 5])
@pytest.mark.parametrize("rise", [1.0, 4.0])
def test_the_compiled_passage_is_that_of_torch(bits, rise):
    (mine, when, labels), (others, _, _) = network(bits), network(bits)
    found, scales = firing(mine, when, labels, STEPS, gap=3.0, rise=rise)
    with torch.no_grad():
        expected, of_torch = by_torch(others, when, labels, STEPS, gap=3.0, rise=rise)
    assert torch.allclose(found, expected, rtol=1e-5) and found.min() > 0
    assert torch.allclose(scales, of_torch, atol=1e-4) and scales.abs().min() > 0
    for one, other in zip(mine, others, strict=True):
        assert one.gradient.abs().max() > 0.1
        assert torch.allclose(one.gradient, other.gradient, atol=2e-3)


def test_targets_are_relative_to_the_first_spike():
    # Class 0 ought to come first; 1 and 3 are less than 3 steps behind the first; 2 is far enough.
    assert target_times(torch.tensor([4.0, 2.0, 9.0, 3.0]), 0, 10, 3.0).tolist() == [2, 5, 9, 5]
    # Nobody spikes: the class itself is to spike a gap before the end.
    assert target_times(torch.tensor([10.0, 10.0, 10.0]), 2, 10, 3.0).tolist() == [10, 10, 7]
    # No target lies behind the end.
    assert target_times(torch.tensor([9.0, 10.0, 10.0]), 1, 10, 3.0).tolist() == [10, 9, 10]


def test_the_gradient_of_one_image_is_that_of_the_formulas():
    """Two inputs and two outputs, by hand: the wrong output spikes in the same step as the right one."""
    one = stage((1, 1, 2), 1, 2, torch.Generator(), threshold=1.0)
    one.weight.copy_(torch.tensor([[0.5, 0.5], [-0.5, 0.5]]).view(2, 1, 1, 2))
    when, label = torch.tensor([[1, 4]], dtype=torch.uint8), torch.tensor([1])
    figures, _ = by_torch([one], when, label, STEPS, gap=2.0, rise=1.0)
    # Both spike in step 1 by input 0, which alone came in time. Output 0 is to be two steps later: its error,
    # the only one, is the root of 2 where the mean square is 1.
    assert figures.tolist() == pytest.approx([2, (2 / STEPS) ** 2 / 2])
    expected = torch.tensor([[2**0.5, 0.0], [0.0, 0.0]])
    assert torch.allclose(one.gradient.view(2, 2), expected)


def test_a_potential_that_rises_counts_by_how_far_it_has():
    one = stage((1, 1, 2), 1, 2, torch.Generator(), threshold=2.0)
    one.weight.copy_(torch.tensor([[0.5, 0.5], [0.5, 0.5]]).view(2, 1, 1, 2))
    when, label = torch.tensor([[1, 4]], dtype=torch.uint8), torch.tensor([1])
    by_torch([one], when, label, STEPS, gap=2.0, rise=8.0)
    # Both spike in step 4: input 0 has risen for 4 steps of 8 by then, input 1 for one.
    error = 2**0.5
    expected = torch.tensor([[error / 2, 0.0], [error / 8, 0.0]])
    assert torch.allclose(one.gradient.view(2, 2), expected)


def test_steps_of_spikes_and_of_lists_of_them():
    train = torch.zeros(5, 2, 3)
    train[0, 0, 0] = train[3, 1, 1] = train[4, 0, 2] = 1
    expected = [[0, 5, 4], [5, 3, 5]]
    assert steps_of(train).tolist() == expected
    assert steps_of(events_of_spikes(train)).tolist() == expected
