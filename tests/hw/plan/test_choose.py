import dataclasses

import numpy as np
import pytest
from support.maps import network_of, random_conv
from support.networks import random_layer, random_network, wide_network

from twinspike.hw.plan import make_plan
from twinspike.hw.plan.dense import DensePlan
from twinspike.hw.plan.layer import default_lanes
from twinspike.hw.plan.words import pack_words, signed_bits
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.lif import state_range


def test_signed_bits_is_the_least_width():
    for low in range(-40, 41):
        for high in range(low, 41):
            least = next(n for n in range(1, 10) if -(1 << n - 1) <= low and high < 1 << n - 1)
            assert signed_bits(low, high) == least, (low, high)


@pytest.mark.parametrize("seed", range(20))
def test_accumulator_never_overflows_and_one_bit_less_would(seed):
    rng = np.random.default_rng(seed)
    spec = {"weight_bits": int(rng.integers(1, 9)), "state_bits": int(rng.integers(2, 9))}
    layer = random_layer(rng, 6, 4, **spec)
    plan = DensePlan(layer, 2, "block")
    low, high = state_range(spec["state_bits"])
    # Every subset of inputs, on top of both rails and of a fresh frame, with the bias before or after.
    subsets = (np.arange(64)[:, None] >> np.arange(6)) & 1
    sums = subsets @ layer.weight.T.astype(np.int64)
    biased = sums + layer.bias
    reached = np.concatenate([part + start for part in (sums, biased) for start in (low, 0, high)])
    bits = plan.accumulator_bits
    assert -(1 << bits - 1) <= reached.min() and reached.max() < 1 << bits - 1
    assert reached.min() < -(1 << bits - 2) or reached.max() >= 1 << bits - 2


@pytest.mark.parametrize("seed", range(10))
def test_distance_bits_hold_the_worst_spike_train_and_no_more(seed):
    network = random_network(seed, timesteps=4, widths=(3,), classes=3)
    plan = make_plan(network)
    counts = network.references.counts.astype(int)
    # |C - r| is largest for a silent or a saturated neuron at each step: bound it by both.
    steps = np.arange(1, 5)[None, :, None]
    worst = np.maximum(counts, np.abs(steps - counts)).sum(axis=(1, 2)).max()
    assert worst < 1 << plan.distance_bits
    assert worst >= 1 << plan.distance_bits - 1
    assert plan.count_bits == 3


def test_thresholds_above_the_clamp_saturate_just_out_of_reach():
    layer = random_layer(np.random.default_rng(0), 3, 4, state_bits=4)
    layer = dataclasses.replace(layer, threshold=np.array([1, 7, 8, 2**31 - 1], np.int32))
    plan = DensePlan(layer, 2, "block")
    assert plan.thresholds.ravel().tolist() == [1, 7, 8, 8]
    # Stored as inverted bits of threshold - 1, which is one less than a power of two at most.
    assert plan.threshold_bits == 3 and plan.margins.ravel().tolist() == [7, 1, 0, 0]
    ones = DensePlan(dataclasses.replace(layer, threshold=np.ones(4, np.int32)), 2, "block")
    assert ones.threshold_bits == 0 and not ones.margins.any()


def test_clocks_and_words():
    layer = random_layer(np.random.default_rng(0), 3, 23)
    plans = [DensePlan(layer, lanes, "block") for lanes in (1, 4, 5, 6, 8, 12, 23)]
    assert [plan.words for plan in plans] == [23, 6, 5, 4, 3, 2, 1]
    assert [plan.event_clocks(0) for plan in plans] == [23, 6, 5, 4, 3, 3, 3]
    assert [plan.tick_clocks for plan in plans] == [23, 6, 5, 6, 5, 5, 5]


@pytest.mark.parametrize("bits", range(1, 9))
def test_weight_image_unpacks_to_the_weights(bits):
    layer = random_layer(np.random.default_rng(bits), 5, 7, weight_bits=bits)
    plan = DensePlan(layer, 3, "block")
    image = plan.weight_image()
    assert len(image) == plan.weight_words == 15
    for i in range(5):
        for j in range(7):
            code = image[i * 3 + j // 3] >> (j % 3 * bits) & ((1 << bits) - 1)
            weight = 1 - 2 * code if bits == 1 else code - (code >> bits - 1 << bits)
            assert weight == layer.weight[j, i]


def test_words_are_packed_lane_0_lowest():
    assert pack_words(np.array([[1, 2, 3], [7, 0, 4]]), 3) == [0b011_010_001, 0b100_000_111]


def test_load_words_are_pieces_of_16_bits_lowest_first():
    network = wide_network((64, 8))
    plan = make_plan(network, (8,), "up5k").layers[0]
    assert plan.memory == "spram"
    pieces = plan.load_words()
    words = [sum(pieces[4 * n + k] << 16 * k for k in range(4)) for n in range(len(pieces) // 4)]
    assert words == plan.weight_image()


def test_reference_table_has_a_row_a_step_and_neuron_with_all_slots_beside_each_other():
    plan = make_plan(random_network(1, timesteps=3, widths=(5,), classes=2), (2,), slots=2)
    table = plan.reference_table()[:24].reshape(3, 8, 4)  # [T, 2^a, K + 2]: a staged copy, records
    for k in range(2):
        assert np.array_equal(table[:, :5, k], plan.network.references.counts[k])
        assert not table[:, 5:, k].any()


def test_steps_left_at_each_spike_of_a_reference():
    plan = make_plan(random_network(1, timesteps=5, widths=(5,), classes=2), (2,))
    table = plan.reference_left().reshape(5, 8, 2)  # [T, 2^a, K]
    for k in range(2):
        spikes = np.diff(plan.network.references.counts[k].astype(int), axis=0, prepend=0)
        for n in range(5):
            left = [5 - int(t) for t in np.flatnonzero(spikes[:, n])]
            assert table[:, n, k].tolist() == left + [0] * (5 - len(left))
        assert not table[:, 5:, k].any()


def test_default_lanes_are_powers_of_two_with_at_least_four_words_a_row():
    for neurons in (1, 2, 3, 4, 10, 64, 256, 1000):
        for bits in range(1, 9):
            lanes = default_lanes(neurons, bits)
            assert lanes & (lanes - 1) == 0
            assert 1 <= lanes <= 64 // bits
            assert lanes == 1 or -(-neurons // lanes) >= 4


def message(*arguments):
    with pytest.raises(TwinspikeError) as error:
        make_plan(*arguments)
    return str(error.value)


def test_refused_lanes():
    network = random_network(widths=(4, 3))
    assert message(network, (4, 4)) == (
        "hardware.lanes[1] = 4 is not allowed: expected 1..3, the layer's neurons"
    )
    assert message(network, (0, 1)) == (
        "hardware.lanes[0] = 0 is not allowed: expected 1..4, the layer's neurons"
    )
    assert message(network, (1, 1, 1)) == "hardware.lanes has 3 numbers: expected one per layer, 2"


def test_lanes_that_do_not_divide_into_spram_words_name_those_that_do():
    assert message(wide_network((64, 4)), (5,), "up5k") == (
        "hardware.lanes[0] = 5: 5 lanes x 4 bits = 20 bits do not divide into SPRAM words of "
        "(16, 32, 64) bits; lanes that do: 4, 8, 16"
    )
    assert message(wide_network((64, 3)), (5,), "up5k").endswith("bits; lanes that do: none")
    # The same layer in block RAM takes any lanes.
    assert make_plan(wide_network((64, 3)), (5,), "ecp5-25k").layers[0].memory == "block"


def test_weights_beyond_the_spram_say_by_how_much():
    assert message(wide_network((300, 4)), (16,), "up5k") == (
        "layers.0: 1245184 weight bits do not fit the 1048576 bits of up5k's SPRAM (196608 too many): "
        "use fewer weight bits, fewer neurons or a larger device"
    )


def test_two_layers_share_the_spram_if_it_is_enough():
    network = wide_network((128, 4), (512, 4))
    assert message(network, (16, 16), "up5k") == (
        "2 layers of wide need 8 blocks of SPRAM, up5k has 4: use fewer weight bits, smaller layers, fewer "
        "lanes or a larger device"
    )
    plan = make_plan(network, (4, 8), "up5k")
    assert [(layer.memory, layer.spram_blocks) for layer in plan.layers] == [("spram", 2), ("spram", 2)]
    # A single layer has all of it.
    assert make_plan(wide_network((128, 4)), (4,), "up5k").layers[0].spram_blocks == 4


@pytest.mark.parametrize("options", [{}, {"events_per_clock": (1,)}, {"pixels": True}])
def test_a_layer_kind_without_hardware_is_refused(options, monkeypatch):
    monkeypatch.setattr("twinspike.hw.plan.choose.PLANS", {"dense": DensePlan})
    layer = random_conv(np.random.default_rng(0), (3, 4, 1), 2, (2, 2))
    with pytest.raises(TwinspikeError) as caught:
        make_plan(network_of([layer], (3, 4)), **options)
    message = "layers.0.kind = 'conv' is not allowed: expected a kind that a core has: dense or pool or delay"
    assert str(caught.value) == message
