"""The NIR paper's files, where $TWINSPIKE_DATA has them: spikes as recorded, or a refusal by name."""

import paper_files
import pytest
from support.optional import needs

pytestmark = needs("nir_paper")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    found = paper_files.measure(paper_files.archive(), tmp_path_factory.mktemp("paper"), recordings=20)
    return {row["file"].rsplit("/", 1)[-1]: row for row in found}


def test_a_neuron_spikes_in_the_steps_that_simulators_recorded(rows):
    row = rows["lif_norse.nir"]
    same = {name for name, one in row["recorded"].items() if one["same"]}
    assert same >= {"exact", "nengo", "norse", "snntorch", "spinnaker2"}
    assert row["dt"] == 1e-4 and row["layers"][0]["float"] == 4


def test_slow_neurons_keep_their_rate_as_integers(rows):
    """Four spikes in a thousand steps: fitted by the positions that differ, silence was the best answer."""
    for name in ("lif_norse.nir", "lif_rockpool.nir", "two_lif_neurons.nir"):
        for layer in rows[name]["layers"]:
            assert abs(layer["integer"] - layer["float"]) <= 1


def test_what_cannot_be_mapped_is_refused_by_node(rows):
    braille = [row["refused"] for name, row in rows.items() if name.startswith("braille")]
    assert len(braille) == 4
    assert all("\n" not in line and ("lif1.lif" in line or "lif1/lif" in line) for line in braille)


@needs("nmnist")
def test_a_network_of_convolutions_answers_recordings_as_its_floats_do(rows):
    row = rows["cnn_sinabs.nir"]
    answers = row["answers"]
    assert answers["recordings"] == 20 and answers["float_right"] >= 19
    assert answers["same"] == 20
    assert len(row["layers"]) == 5 and all(layer["integer"] > 0 for layer in row["layers"])
