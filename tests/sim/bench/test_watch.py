"""Waves: every named signal is in the FST and shows what the golden model says."""

import re

import numpy as np
import pylibfst
import pytest
from support.networks import counting
from support.simulation import input_spikes, network_of

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.sim import golden
from twinspike.sim.bench.runner import Run, simulate

FRAMES = 4
LAYERS = ((9, {"weight_bits": 3, "state_bits": 6}), (5, {"weight_bits": 4, "state_bits": 7, "reset": "zero"}))


def plan_of(kind):
    network = network_of(5, 11, 6, 3, *LAYERS)
    if kind == "counts":
        return make_plan(counting(network), (2, 5))
    return make_plan(network, events_per_clock=(2, 1)) if kind == "wide" else make_plan(network, (4, 2))


@pytest.fixture(scope="module", params=["lanes", "counts", "wide"])
def waves(request, tmp_path_factory):
    """(kind, plan, golden trace, folder, signal name -> [(time, bits)]) of one run, frame after frame."""
    folder, plan = tmp_path_factory.mktemp("waves"), plan_of(request.param)
    emit(plan, folder / "rtl")
    spikes = input_spikes(5, 6, FRAMES, 11)
    result = simulate(
        plan, folder / "rtl", spikes, folder / "sim", waves=True, runs=[Run("alone", FRAMES, isolate=True)]
    )
    assert result["runs"][0]["mismatches"] == 0
    return plan, golden.run(plan.network, spikes), folder / "sim", read_fst(folder / "sim" / "waves.fst")


def read_fst(path):
    lib = pylibfst.lib
    fst = lib.fstReaderOpen(str(path).encode())
    _, signals = pylibfst.get_scopes_signals2(fst)
    lib.fstReaderSetFacProcessMaskAll(fst)
    changes = {}

    def changed(_, time, handle, value):
        changes.setdefault(handle, []).append((time, pylibfst.string(value)))

    pylibfst.fstReaderIterBlocks(fst, changed)
    lib.fstReaderClose(fst)
    return {name.replace(" ", ""): changes.get(signal.handle, []) for name, signal in signals.by_name.items()}


def values(waves, name):
    """The values that a signal takes, without those it had before it was known."""
    found = [bits for path, bits in waves[3].items() if re.fullmatch(rf"bench\.watch\.{name}(\[.*\])?", path)]
    assert len(found) == 1, name
    return [int(bits, 2) for _, bits in found[0] if set(bits) <= {"0", "1"}]


def neuron_of(waves, layer):
    """The number of the neuron that is watched: the one that spikes most."""
    return int(waves[1].spikes[layer].sum(axis=(0, 1)).argmax())


def test_every_named_signal_is_in_the_waves(waves):
    _, _, folder, signals = waves
    save = (folder / "waves.gtkw").read_text()
    named = re.findall(r"^\+\{\w+\} (\S+)$", save, re.MULTILINE)
    assert len(named) > 20 and set(named) <= set(signals)
    commands = (folder / "waves.sucl").read_text().splitlines()
    added = [line.split()[1] for line in commands if line.startswith("variable_add ")]
    assert added == [re.sub(r"\[.*\]", "", name) for name in named]
    # Groups open and close, and are the same in both.
    titles = re.findall(r"^@800200\n-(.*)$", save, re.MULTILINE)
    assert titles == re.findall(r"^@1000200\n-(.*)$", save, re.MULTILINE)
    assert titles == [line.split(" ", 1)[1] for line in commands if line.startswith("divider_add ")]
    assert titles[0] == "events in" and titles[-1] == "result" and len(titles) == 6


@pytest.mark.parametrize("layer", [0, 1])
def test_the_watched_neuron_spikes_as_often_as_the_golden_model_says(waves, layer):
    neuron = neuron_of(waves, layer)
    expected = int(waves[1].spikes[layer][:, :, neuron].sum())
    assert expected > 0
    assert values(waves, f"layer{layer}_spike_{neuron}").count(1) == expected


def test_the_membrane_takes_the_golden_models_values(waves):
    plan, _, _, _ = waves
    spikes = input_spikes(5, 6, FRAMES, 11)
    membranes = golden.run(plan.network, spikes, membranes=True).membranes
    if plan.layers[0].events_per_clock:
        pytest.skip("a wide core keeps the membrane with its leak already taken")
    neuron = neuron_of(waves, 0)
    name = f"layer0_membrane_{neuron}"
    bits = plan.layers[0].accumulator_bits
    seen = {value - (value >> (bits - 1) << bits) for value in values(waves, name)}
    # A frame's last step leaves it cleared.
    assert set(membranes[0][:-1, :, neuron].reshape(-1).tolist()) <= seen


def test_accumulators_end_at_the_distances(waves):
    plan, trace, _, _ = waves
    results = trace.results
    assert set(results.label.tolist()) <= set(values(waves, "result_label"))
    assert set(results.distance.tolist()) <= set(values(waves, "result_distance"))
    if plan.network.readout == "counts":
        most = plan.network.timesteps - results.distance
        assert set(most.tolist()) <= set(values(waves, "most_spikes"))
        return
    counts = plan.network.references.counts.astype(int)
    for k, label in enumerate(plan.network.references.labels):
        distances = np.abs(trace.output_counts.astype(int) - counts[k][:, None]).sum(axis=(0, 2))
        assert set(distances.tolist()) <= set(values(waves, f"emd_{k}_label_{label}"))
