"""What a configuration that says little gets."""

import pytest

from twinspike.config import available, load_config
from twinspike.flow.folders import pretrained
from twinspike.model.settings import LEAST_BATCHES, USUAL_EPOCHS, TrainingSettings
from twinspike.model.training.training import train

SIX_LINES = """\
dataset = "digits"

[[layers]]
neurons = 128
[[layers]]
neurons = 32
"""


def test_six_lines_suffice_for_digits(tmp_path):
    (tmp_path / "six.toml").write_text(SIX_LINES)
    metrics = train(load_config(str(tmp_path / "six.toml")), tmp_path / "out", progress=False)
    assert metrics["macro_f1"] >= 0.95
    assert metrics["epochs"] == TrainingSettings().passes(9)  # 1,201 images in batches of 128


def test_small_training_sets_are_passed_more_often():
    usual = TrainingSettings()
    assert usual.passes(469) == USUAL_EPOCHS
    assert usual.passes(9) == 134 and LEAST_BATCHES <= 9 * 134
    assert TrainingSettings(epochs=5).passes(9) == 5


# These are trained when somebody asks for them: by a demonstration, a study, a table of methods.
METHODS = {
    *("bs4nn", "bs4nn-fashion", "s4nn", "stidi", "stidi-fashion"),
    *("dcls", "dcls-time", "proxy", "proxy-cifar10", "sew", "sharing", "speech", "speech-digits", "traffic"),
}
ALONE = {"digits", "omniglot", "omniglot-conv", "study", *METHODS}


@pytest.mark.parametrize("name", sorted({*available()} - ALONE))
def test_networks_that_ship_are_those_of_their_configurations(name):
    assert pretrained(load_config(name)).name == name


def test_a_network_from_before_references_were_refined_has_medians():
    config = load_config("mnist-small")
    table = config.table()
    del table["training"]["reference_temperature"]
    assert config.trains_as(table)
    refined = config.changed("mnist-small", training={"reference_temperature": 0.03})
    assert refined.differences(table) == [("training.reference_temperature", 0.0, 0.03)]
