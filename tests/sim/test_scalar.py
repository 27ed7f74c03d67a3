"""Golden model and scalar interpreter, written apart from each other, on networks of every kind."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cases import CASE

from twinspike.sim import golden, scalar
from twinspike.sim.fuzz.case import ACTIVITY
from twinspike.sim.fuzz.layers import BIASES, THRESHOLDS, WEIGHTS, LayerCase

layers = st.builds(
    LayerCase,
    neurons=st.integers(1, 9),
    lanes=st.just(1),
    weight_bits=st.integers(1, 8),
    leak_shift=st.integers(0, 31),
    reset=st.sampled_from(["subtract", "zero"]),
    single_spike=st.booleans(),
    state_bits=st.integers(2, 32),
    weights=st.sampled_from(WEIGHTS),
    thresholds=st.sampled_from(THRESHOLDS),
    biases=st.sampled_from(BIASES),
)
networks = st.builds(
    dataclasses.replace,
    st.just(CASE),
    seed=st.integers(0, 2**32),
    inputs=st.integers(1, 9),
    timesteps=st.integers(1, 12),
    layers=st.lists(layers, min_size=1, max_size=3).map(tuple),
    references=st.integers(0, 4),
    activity=st.sampled_from(ACTIVITY),
    frames=st.just(2),
)


def scalar_equals_golden(network, spikes):
    trace = golden.run(network, spikes)
    r = trace.results
    for b in range(spikes.shape[1]):
        trains, result = scalar.run(network, spikes[:, b].tolist())
        if [train[:, b].tolist() for train in trace.spikes] != trains:
            return False
        if result != (r.label[b], r.distance[b], r.runner_up[b], r.same[b]):
            return False
    return True


@settings(max_examples=150, deadline=None)
@given(networks)
def test_they_agree(case):
    assert scalar_equals_golden(case.network(1), case.spikes(1))


def test_a_difference_would_be_seen():
    network, spikes = CASE.network(0), CASE.spikes(0)
    for field, value in (("leak_shift", 1), ("reset", "zero"), ("single_spike", True), ("state_bits", 4)):
        first, *others = network.layers
        spec = dataclasses.replace(first.spec, **{field: value})
        other = dataclasses.replace(network, layers=(dataclasses.replace(first, spec=spec), *others))
        ours = golden.run(network, spikes).spikes[0]
        theirs = np.array([scalar.run(other, spikes[:, b].tolist())[0][0] for b in range(6)])
        assert not np.array_equal(ours, theirs.transpose(1, 0, 2)), field
