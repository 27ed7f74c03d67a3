"""Wide cores on small networks: Verilog, simulator, golden model, cycle formula."""

import dataclasses

import numpy as np
import pytest
from support.simulation import assert_equal_and_on_time, input_spikes, network_of

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import TICK, beat_counts, frame_beats
from twinspike.sim.bench.runner import simulate

NETWORKS = {
    # Every weight width and reset, banks that do not divide the inputs.
    "four_layers": (
        (
            1,
            13,
            42,
            25,
            (10, {"weight_bits": 1, "state_bits": 5, "reset": "zero"}),
            (7, {"weight_bits": 8, "state_bits": 9, "leak_shift": 0}),
            (6, {"weight_bits": 2, "state_bits": 3, "single_spike": True}),
            (5, {"weight_bits": 4, "state_bits": 4, "leak_shift": 0, "forget": True}),
        ),
        (4, 2, 1, 4),
    ),
    # Standard words, one reference, one step, one neuron.
    "least": ((2, 9, 1, 1, (1, {"weight_bits": 4, "state_bits": 4, "leak_shift": 0})), (1,)),
    "eight_at_once": (
        (3, 40, 8, 4, (33, {"weight_bits": 1, "state_bits": 8}), (9, {"weight_bits": 3, "state_bits": 8})),
        (8, 8),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_spikes_results_and_cycles(name, tmp_path):
    made, banks = NETWORKS[name]
    network = network_of(*made)
    plan = make_plan(network, events_per_clock=banks)
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(1, network.timesteps, 6, network.inputs)
    assert_equal_and_on_time(simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim"))


def test_references_have_thresholds_of_their_own(tmp_path):
    made, banks = NETWORKS["eight_at_once"]
    network = network_of(*made)
    own = np.array([0, 30, 60, 1 << 30], np.int32)
    references = dataclasses.replace(network.references, threshold=own)
    plan = make_plan(dataclasses.replace(network, references=references), events_per_clock=banks)
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(1, network.timesteps, 6, network.inputs)
    assert_equal_and_on_time(simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim"))


@pytest.mark.parametrize("banks", [1, 2, 4])
def test_beats_hold_every_event_in_its_slot_and_the_tick_last(banks):
    spikes = np.random.default_rng(banks).random((5, 11)) < 0.5
    spikes[1], spikes[2] = False, True
    words, keep, last = frame_beats(spikes, banks)
    assert len(words) == beat_counts(spikes, banks).sum()
    step, seen = 0, np.zeros_like(spikes)
    for beat, used in zip(words, keep, strict=True):
        for slot, word in enumerate(beat):
            if used[slot] and word != TICK:
                assert word % banks == slot and not seen[step, word]
                seen[step, word] = True
        step += int((beat[used] == TICK).sum())
    assert step == 5 and np.array_equal(seen, spikes)
    assert last.tolist() == [False] * (len(words) - 1) + [True]


def test_bad_banks_are_named():
    network = network_of(1, 5, 2, 2, (4, {}))
    for banks, message in (((2, 2), "has 2 numbers"), ((3,), "one of 1, 2, 4"), ((8,), "5 inputs")):
        with pytest.raises(TwinspikeError, match=message):
            make_plan(network, events_per_clock=banks)
    with pytest.raises(TwinspikeError, match="leave lanes out"):
        make_plan(network, (2,), events_per_clock=(2,))
