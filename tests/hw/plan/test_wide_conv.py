"""Plans of wide convolutions: banks, tables and weights give every neuron's current; refusals."""

import numpy as np
import pytest
from support.conv_cores import conv_network
from support.maps import network_of as maps_network
from support.maps import random_conv, random_taps
from support.networks import random_layer

from twinspike.hw.plan import make_plan
from twinspike.hw.plan.codes import Codes
from twinspike.hw.plan.wide import bank_image, bank_rows, quiet_address
from twinspike.hw.plan.wide_conv import WideConvPlan
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.spec import NeuronSpec

SPEC = {"weight_bits": 4, "state_bits": 9}
SHAPES = [
    # map, channels, kernel, geometry
    ((28, 28, 1), 3, (5, 5), {"stride": (2, 2)}),
    ((12, 12, 4), 5, (3, 3), {"stride": (2, 2)}),
    ((7, 9, 2), 4, (3, 2), {"stride": (2, 3), "padding": (2, 1), "dilation": (3, 2)}),
    ((6, 8, 4), 6, (2, 3), {"groups": 2, "dilation": (2, 4), "stride": (4, 6), "padding": (3, 5)}),
    ((1, 11, 3), 2, (1, 4), {"stride": (1, 5)}),
]


def _plans(shape, channels, kernel, keys):
    """The convolution as a first layer, and behind another one whose places are dealt to banks."""
    rng = np.random.default_rng(3)
    layer = random_conv(rng, shape, channels, kernel, spec=NeuronSpec(**SPEC), **keys)
    before = random_conv(rng, (shape[0] + 2, shape[1] + 2, 1), shape[2], (3, 3), spec=NeuronSpec(**SPEC))
    first = WideConvPlan.of(before, Codes.plain(*before.synapses.map), "layers.0")
    assert first.layer.shape == shape
    return [WideConvPlan.of(layer, seen, "x") for seen in (Codes.plain(*shape), first.leaving)]


@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_visits_reach_each_bank_once_and_add_up_to_the_golden_current(case):
    for plan in _plans(*case):
        rows = plan.weight_image()
        bits = plan.layer.spec.weight_bits
        for address, source in enumerate(plan.seen.sent.tolist()):
            visits = plan.visits(address)
            banks = [visit.state_word % plan.banks for visit in visits]
            assert len(set(banks)) == len(banks)
            current = np.zeros(plan.neurons, np.int64)
            for visit in visits:
                word, bank = divmod(visit.state_word, plan.banks)
                for channel in range(plan.channels):
                    neuron = plan.places[word, bank * plan.channels + channel]
                    code = rows[visit.weight_word] >> channel * bits & (1 << bits) - 1
                    current[neuron] += code - (code >> (bits - 1) << bits)
                assert (plan.places[word, bank * plan.channels : (bank + 1) * plan.channels] >= 0).all()
            spikes = np.zeros((1, plan.layer.inputs), np.uint8)
            if source >= 0:
                spikes[0, source] = 1
            golden = plan.layer.synapses.currents(plan.layer.weight, spikes)[0]
            assert np.array_equal(current, golden)


def test_banks_of_the_documented_sizes():
    network = conv_network(
        1,
        (28, 28, 1),
        4,
        [(16, (5, 5), {"stride": (2, 2)}, SPEC), (32, (3, 3), {"stride": (2, 2)}, SPEC)],
        32,
    )
    first, second, dense = make_plan(network, events_per_clock=(1, 1, 1)).layers
    assert (first.banks, first.lanes, len(first.sweep), first.tick_clocks) == (9, 144, 16, 19)
    assert (second.banks, second.lanes, len(second.sweep), second.tick_clocks) == (4, 128, 9, 12)
    assert dense.inputs == second.leaving.sent.size == 2048


def test_every_neuron_has_one_place_and_its_address_leads_back():
    plan = _plans(*SHAPES[2])[1]
    places = plan.places.reshape(-1)
    assert np.array_equal(places[plan.positions], np.arange(plan.neurons))
    sent = plan.leaving.sent
    assert np.array_equal(np.sort(sent[sent >= 0]), np.arange(plan.neurons))


@pytest.mark.parametrize("shape", [(5, 5, 3), (4, 4, 4)])
def test_a_dense_layer_behind_a_map_has_the_row_of_a_silent_clock(shape):
    rng = np.random.default_rng(0)
    conv = random_conv(rng, shape, shape[2], (1, 1), spec=NeuronSpec(**SPEC))
    network = maps_network([conv, random_layer(rng, conv.neurons, 3, **SPEC)], shape)
    before, plan = make_plan(network, events_per_clock=(1, 1)).layers
    rows, quiet = bank_image(plan, 0), quiet_address(plan)
    assert len(rows) == bank_rows(plan) and rows[0] == 0
    assert (quiet is None) == (shape == (4, 4, 4))
    codes = plan.weight_codes()
    for address, neuron in enumerate(before.leaving.sent.tolist()):
        row = rows[address + 1 if quiet is None else address ^ quiet]
        own = codes[:, neuron] if neuron >= 0 else [0, 0, 0]
        assert [row >> 4 * n & 15 for n in range(3)] == list(own)


def test_what_a_wide_core_cannot_hold_is_named_with_its_field():
    shape = (4, 6, 2)
    convs = [(4, (3, 3), {}, SPEC)]
    network = conv_network(1, shape, 3, convs, 5)
    with pytest.raises(TwinspikeError, match=r"events_per_clock\[0\] = 2.*expected 1"):
        make_plan(network, events_per_clock=(2, 1))
    with pytest.raises(TwinspikeError, match=r"events_per_clock\[1\] = 2.*expected 1"):
        make_plan(network, events_per_clock=(1, 2))
    with pytest.raises(TwinspikeError, match="leave lanes out"):
        make_plan(network, (4, 1), events_per_clock=(1, 1))

    rng = np.random.default_rng(0)
    binary = random_conv(rng, shape, 4, (2, 2), spec=NeuronSpec(weight_bits=1, state_bits=9), groups=2)
    dense = random_layer(rng, binary.neurons, 3, **SPEC)
    with pytest.raises(TwinspikeError, match=r"layers\.0\.groups = 2.*serial core"):
        make_plan(maps_network([binary, dense], shape), events_per_clock=(1, 1))
    with pytest.raises(TwinspikeError, match=r"layers\.0\.kind = conv: the last layer.*serial core"):
        make_plan(maps_network([random_conv(rng, shape, 4, (2, 2))], shape), events_per_clock=(1,))
    behind = random_conv(rng, (1, 3, 1), 2, (1, 2))
    first = random_layer(rng, 48, 3, **SPEC)
    last = random_layer(rng, behind.neurons, 3, **SPEC)
    with pytest.raises(TwinspikeError, match=r"layers\.1\.kind = conv behind a dense.*serial core"):
        make_plan(maps_network([first, behind, last], shape), events_per_clock=(1, 1, 1))


def test_a_layer_kind_without_a_wide_form_is_named(monkeypatch):
    rng = np.random.default_rng(0)
    taps = random_taps(rng, (4, 4, 1), 2, 3)
    network = maps_network([taps, random_layer(rng, taps.neurons, 3, **SPEC)], (4, 4, 1))
    monkeypatch.setattr("twinspike.hw.plan.choose.PLANS", {"taps": None, "dense": None})
    with pytest.raises(TwinspikeError, match=r"layers\.0\.kind = taps.*conv or dense only.*serial core"):
        make_plan(network, events_per_clock=(1, 1))
