"""Samples of the report: which are chosen, what is told of them, and the shapes that they are drawn with."""

import re

import numpy as np
from support.networks import counting, random_network

from twinspike.numerics.encodings import Latency
from twinspike.reports.drawing import between_path, data_address, raster_path, step_path, thinned
from twinspike.reports.samples import choose, tell
from twinspike.sim import golden


def boxes(path):
    """(x, y, width, height) of every box of a path."""
    found = re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z", path)
    return [tuple(map(float, box)) for box in found]


def test_a_raster_has_a_box_for_every_run_of_spikes():
    train = np.zeros((3, 5), dtype=bool)
    train[0, 0] = train[0, 2:5] = train[2, 4] = True
    assert boxes(raster_path(train)) == [(0.12, 0, 0.76, 1), (0.12, 2, 0.76, 3), (2.12, 4, 0.76, 1)]
    assert raster_path(np.zeros((3, 5), dtype=bool)) == ""


def test_thinning_a_raster_loses_no_row_with_a_spike():
    train = np.zeros((3, 784), dtype=bool)
    train[0, 0] = train[1, 400] = train[2, 783] = True
    thin = thinned(train)
    assert thin.shape == (3, 112)
    assert [np.flatnonzero(row).tolist() for row in thin] == [[0], [57], [111]]
    assert np.array_equal(thinned(train[:, :100]), train[:, :100])


def test_a_staircase_is_as_wide_as_the_frame_and_as_high_as_the_counts():
    assert step_path([0, 1, 1, 3], 3) == "M0 3h1V2h1h1V0h1"


def test_the_area_between_staircases_is_the_distance():
    one, other = [0, 1, 1, 3], [1, 1, 2, 2]
    area = sum(width * height for _, _, width, height in boxes(between_path(one, other, 3)))
    assert area == sum(abs(a - b) for a, b in zip(one, other, strict=True)) == 3
    assert between_path(one, one, 3) == ""


def test_right_ones_of_every_class_are_chosen_before_wrong_ones():
    labels, predicted = np.array([1, 0, 1, 2, 0, 2]), np.array([0, 0, 1, 2, 0, 1])
    assert choose(labels, predicted) == [1, 2, 3, 0, 5]


def test_the_parts_of_the_neurons_add_up_to_the_distance():
    network = random_network(shape=(8, 8), widths=(12, 6), timesteps=8, classes=4, encoder=Latency(32))
    images = np.random.default_rng(3).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    spikes = network.encode(images)
    trace = golden.run(network, spikes)
    for index in range(5):
        sample = tell(network, images[index], 2, spikes, trace, index)
        distance = int(trace.results.distance[index])
        assert sum(neuron.part for neuron in sample.neurons) == distance
        assert sample.found == trace.results.label[index] and sample.wrong == (sample.found != 2)
        assert [one.value for one in sample.distances if one.winner] == [distance]
        assert f"at distance {distance}" in sample.text
        assert [raster.spikes for raster in sample.rasters] == [
            int(train[:, index].sum()) for train in (spikes, *trace.spikes)
        ]


def test_an_image_becomes_part_of_the_page():
    assert data_address(np.zeros((8, 8), np.uint8)).startswith("data:image/png;base64,iVBOR")


def test_a_count_readout_is_told_without_references():
    network = counting(random_network(shape=(8, 8), widths=(12, 6), timesteps=8, encoder=Latency(32)))
    images = np.random.default_rng(3).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    spikes = network.encode(images)
    trace = golden.run(network, spikes)
    sample = tell(network, images[1], 2, spikes, trace, 1)
    assert sample.by_count and sample.neurons == () and sample.found == trace.results.label[1]
    lacking = 8 - trace.spikes[-1][:, 1].sum(axis=0)
    assert [one.value for one in sample.distances] == sorted(lacking.tolist())
