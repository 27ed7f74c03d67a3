import numpy as np
import pytest
from support.readout import events_of, expected, fields_of, plan_of
from support.streams import pump

from twinspike.hw.readout.emd import Readout
from twinspike.quant.network import References


@pytest.mark.parametrize("references", [1, 2, 10, 25])
@pytest.mark.parametrize(("timesteps", "neurons", "lanes"), [(1, 1, 1), (1, 5, 2), (4, 3, 3), (7, 6, 4)])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_results_equal_the_integer_distances(references, timesteps, neurons, lanes, stall):
    rng = np.random.default_rng(references)
    plan = plan_of(
        references, timesteps, neurons, lanes, references, verify_threshold=timesteps * neurons // 4
    )
    trains = rng.random((5, timesteps, neurons)) < rng.choice([0, 0.3, 1.0], size=(5, 1, 1))
    passed = pump(
        Readout(plan),
        events_of(trains),
        expected=5,
        rng=rng,
        stall_in=stall,
        stall_out=stall,
        extra=3 * references + 20,
    )
    assert [fields_of(record) for record in passed.outputs] == expected(plan, trains)


def test_a_tie_goes_to_the_lower_index_and_the_runner_up_is_the_same_distance():
    counts = np.zeros((4, 3, 2), np.uint8)
    counts[0] = [[1, 1], [2, 2], [3, 3]]
    references = References(counts, np.array([9, 65535, 3, 7], np.int32))
    plan = plan_of(1, 3, 2, 1, 4, references=references, verify_threshold=0)
    trains = np.zeros((2, 3, 2), bool)
    trains[1, 2, 0] = True
    passed = pump(Readout(plan), events_of(trains), expected=2)
    assert [fields_of(record) for record in passed.outputs] == [(65535, 0, 0, 1, 0), (65535, 1, 1, 0, 0)]


@pytest.mark.parametrize("threshold", [0, 1, 5, 1 << 30])
def test_a_reference_has_a_threshold_of_its_own(threshold):
    """That of the nearest reference decides, whatever the network's and the others' are."""
    rng = np.random.default_rng(threshold)
    counts = np.cumsum(rng.random((3, 4, 3)) < 0.5, axis=1).astype(np.uint8)
    own = np.array([threshold, 3, threshold], np.int32)
    references = References(counts, np.array([9, 65535, 3], np.int32), own)
    plan = plan_of(1, 4, 3, 1, 3, references=references, verify_threshold=2)
    trains = rng.random((40, 4, 3)) < 0.5
    passed = pump(Readout(plan), events_of(trains), expected=40)
    found = [fields_of(record) for record in passed.outputs]
    assert found == expected(plan, trains) and all(record[-1] for record in found)
    assert len({record[3] for record in found}) == 2


@pytest.mark.parametrize(("references", "neurons"), [(1, 1), (2, 4), (3, 7), (10, 5)])
def test_an_event_a_clock_and_a_result_k_plus_6_clocks_after_the_last_tick(references, neurons):
    plan = plan_of(2, 3, neurons, 1, references)
    trains = np.random.default_rng(0).random((2, 3, neurons)) < 0.5
    stream = events_of(trains)
    passed = pump(Readout(plan), stream, expected=2)
    clock, taken, results = neurons, [], []
    for event in stream:
        taken.append(clock)
        clock += max(neurons + 1, references + 6) if event["last"] else 1
        if event["last"]:
            results.append(taken[-1] + references + 7)
    assert passed.taken == taken
    assert passed.clocks == results


@pytest.mark.parametrize("seed", range(30))
def test_ranking_of_any_order_of_distances(seed):
    """References whose distances to silence are drawn from few values: ties, rises and falls."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 9))
    counts = np.zeros((count, 6, 1), np.uint8)
    for k, spikes in enumerate(rng.integers(0, 4, count)):
        counts[k, 6 - spikes :, 0] = 1
    references = References(counts, rng.permutation(count).astype(np.int32))
    plan = plan_of(1, 6, 1, 1, count, references=references)
    trains = rng.random((2, 6, 1)) < 0.2
    passed = pump(Readout(plan), events_of(trains), expected=2)
    assert [fields_of(record) for record in passed.outputs] == expected(plan, trains)
