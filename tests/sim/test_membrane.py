"""The membrane readout in the models: sums of u, by hand, against the scalar interpreter, and in the file."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.networks import random_layer, summing

from twinspike.numerics.emd import NO_RUNNER_UP
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import parse_network
from twinspike.quant.spec import RESETS
from twinspike.sim import golden, scalar


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000),
    st.integers(1, 7),
    st.integers(1, 5),
    st.integers(2, 12),
    st.fixed_dictionaries({"reset": st.sampled_from(RESETS), "single_spike": st.booleans()}),
)
def test_golden_and_scalar_agree_and_the_file_keeps_it(seed, timesteps, outputs, bits, spec):
    spec = spec | {"state_bits": bits, "verify_threshold": timesteps << (bits - 1)}
    network = summing(seed=seed, timesteps=timesteps, widths=(4, outputs), **spec)
    network = parse_network(network.to_bytes(), "its own file")
    spikes = np.random.default_rng(seed).random((timesteps, 3, network.inputs)) < 0.5
    trace = golden.run(network, spikes, membranes=True)
    assert network.readout == "membrane" and not trace.spikes[-1].any()
    for b in range(3):
        trains, result = scalar.run(network, spikes[:, b].tolist())
        assert [train[:, b].tolist() for train in trace.spikes] == trains
        r = trace.results
        assert result == (r.label[b], r.distance[b], r.runner_up[b], r.same[b])


def test_the_largest_sum_of_u_wins_and_a_tie_goes_to_the_lower_index():
    layer = random_layer(np.random.default_rng(0), 2, 3, state_bits=8, leak_shift=0)
    weight = np.array([[1, 0], [3, -3], [3, -3]], np.int8)
    layer = dataclasses.replace(layer, weight=weight, bias=np.zeros(3, np.int32))
    network = summing(timesteps=4, shape=(2,), widths=(3,))
    network = dataclasses.replace(network, layers=(layer,), verify_threshold=4 * 127 - 12)
    spikes = np.zeros((4, 3, 2), bool)
    spikes[0, :2, 0], spikes[2, 1, 1] = True, True
    # u over the steps: frame 0 1 1 1 1 and 3 3 3 3; frame 1 1 1 1 1 and 3 3 0 0; frame 2 nothing.
    results = golden.run(network, spikes).results
    assert results.label.tolist() == [1, 1, 0]
    assert (4 * 127 - results.distance).tolist() == [12, 6, 0]
    assert (4 * 127 - results.runner_up).tolist() == [12, 6, 0] and results.same.tolist() == [
        True,
        False,
        False,
    ]
    alone = summing(timesteps=2, shape=(3,), widths=(1,))
    assert golden.run(alone, np.zeros((2, 1, 3), bool)).results.runner_up.tolist() == [NO_RUNNER_UP]


def test_sums_that_a_result_cannot_hold_are_refused():
    with pytest.raises(TwinspikeError) as caught:
        summing(timesteps=1023, shape=(2,), widths=(3, 3), state_bits=23)
    expected = "layers.1.state_bits = 23 is not allowed: expected 2..22, for 1023 summed steps"
    assert str(caught.value) == expected
    assert summing(timesteps=1023, shape=(2,), widths=(3, 3), state_bits=22).timesteps == 1023
