"""Figures of the imported network of convolutions: what is there is shown, what is not is said."""

import dataclasses
import json

import numpy as np
import paper_core
import pytest
from support.networks import counting, random_network

from twinspike.documents.fill import fill
from twinspike.documents.interop_core import NO_IMPORT, NO_ROUTE, NO_SIMULATION, NO_SYNTHESIS
from twinspike.documents.tables import Figures
from twinspike.flow.folders import Folders

TARGET = "ecp5-85k"


def rung(name, overlap):
    layers = [{"overlap": overlap, "spikes": 2.0, "differ": 1, "positions": 9, "distance": 0.5}]
    return {"rung": name, "meaning": "m", "layers": layers, "same_prediction": 0.98, "accuracy": 0.95}


def table_of(found, call="interop_core"):
    return fill(f"<!-- fill: {call} --><!-- /fill -->", Figures({}, {}, {"interop_core": found}), "x.md")


@pytest.fixture
def built(tmp_path):
    """A build folder with an import in it; its network's hash."""
    network = counting(random_network(4, shape=(8, 8), reset="zero"))
    network.save(tmp_path / "network.safetensors")
    table = {
        "network_hash": network.content_hash,
        "timesteps": 8,
        "frames": 200,
        "layers": [{"weight_bits": 6, "neurons": 1200}, {"weight_bits": 6, "neurons": 10}],
        "rungs": [rung("float import", 1.0), rung("integer network", 0.4)],
    }
    (tmp_path / "drift.json").write_text(json.dumps(table))
    return tmp_path, network.content_hash


def sim_report(network_hash):
    timed = {"interval": {"median": 50_000.0, "values": [50_000]}, "latency": {"median": 0, "values": []}}
    run = {"run": "back_to_back", "frames": 12, "spikes_compared": 3_000_000, "mismatches": 0}
    run |= {"cycles_predicted_equal": True, "cycles": timed, "faults": []}
    stalled = run | {"run": "stalled", "cycles_predicted_equal": None, "mismatches": 7}
    del stalled["cycles"]
    return {"network_hash": network_hash, "runs": [run, stalled]}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_nothing_measured_is_said_and_fails_nothing(tmp_path):
    assert NO_IMPORT in table_of({})
    assert NO_IMPORT in table_of({}, "drift_core")
    assert paper_core.collect(tmp_path, TARGET) == {"file": "02_cnn/cnn_sinabs.nir", "target": TARGET}


def test_an_import_alone_names_the_steps_that_are_missing(built):
    found = paper_core.collect(built[0], TARGET)
    assert found["same_answers"] == 196 and found["weight_bits"] == [6]
    text = table_of(found)
    assert "196 of 200 recordings" in text and "1,200 / 10" in text
    assert NO_SIMULATION in text and NO_SYNTHESIS in text
    assert "| integer network | 40.0% (2.00) | 98.0% | 95.0% |" in table_of(found, "drift_core")


def test_simulation_packing_and_routing_are_shown_as_they_come(built):
    folder, network_hash = built
    place = Folders(folder)
    write(place.sim_report(TARGET), sim_report(network_hash))
    packed = {"logic_cells": 7000, "ram_blocks": 57, "dsp": 0, "network_hash": network_hash}
    write(place.synth(TARGET) / paper_core.PACKED, packed)
    text = table_of(paper_core.collect(folder, TARGET))
    assert "3,000,000 spikes compared in 12 recordings, 0 differ, cycles as predicted" in text
    assert "stalled | 3,000,000 spikes compared in 12 recordings, 7 differ |" in text
    assert "interval 50,000 |" in text and "latency" not in text
    assert "57 of 208" in text and "7,000 of 83,640" in text and NO_ROUTE in text
    routed = {"device": TARGET, "fmax_mhz": [80.0, 100.0], "provenance": {"network_hash": network_hash}}
    routed |= {"logic_cells": 7100, "ram_blocks": 57, "dsp": 0}
    routed |= {f"{key}_available": 9999 for key in ("logic_cells", "ram_blocks", "dsp")}
    write(place.synth(TARGET) / "synth.json", routed)
    text = table_of(paper_core.collect(folder, TARGET))
    assert "7,100 of 9,999" in text and "80.0 MHz, 100.0 MHz" in text and "0.62 ms" in text


def test_figures_of_another_network_are_not_taken(built):
    folder, _ = built
    place = Folders(folder)
    write(place.sim_report(TARGET), sim_report("another"))
    write(place.synth(TARGET) / paper_core.PACKED, {"network_hash": "another"})
    found = paper_core.collect(folder, TARGET)
    assert "sim" not in found and "synth" not in found
    network = counting(random_network(4, shape=(8, 8), reset="zero"))
    layer = network.layers[0]
    other = dataclasses.replace(layer, threshold=layer.threshold + np.int32(1))
    dataclasses.replace(network, layers=(other, *network.layers[1:])).save(place.network)
    assert "rungs" not in paper_core.collect(folder, TARGET)
