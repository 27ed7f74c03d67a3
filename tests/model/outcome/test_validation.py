"""Training samples held out: which they are, what is measured on them, and that training never sees them."""

import json

import numpy as np
import pytest

from twinspike.config import config_from_table
from twinspike.model.data.dataset import Dataset
from twinspike.model.data.shipped import load_dataset
from twinspike.model.outcome.evaluation import answers, class_references, embed, macro_f1
from twinspike.model.outcome.results import integer_layers
from twinspike.model.outcome.validation import PER_CLASS
from twinspike.model.training.training import NETWORK_FILE, export, train, trained_network
from twinspike.numerics import emd
from twinspike.numerics.errors import TwinspikeError

LAYERS = [{"neurons": 24}, {"neurons": 12}]


def config(**training):
    return config_from_table(
        "held-out", {"layers": LAYERS, "training": {"epochs": 2, "reference_temperature": 0.0, **training}}
    )


def test_a_share_of_each_class_is_held_out_the_same_way_every_time():
    digits = load_dataset("digits", progress=False)
    apart = digits.holding_out(0.25, seed=0)
    held, labels = apart.validation
    assert len(apart.train_labels) + len(labels) == len(digits.train_labels) and len(held) == len(labels)
    for label in range(10):
        share = (labels == label).sum() / (digits.train_labels == label).sum()
        assert 0.23 < share < 0.27
    again = digits.holding_out(0.25, seed=0)
    assert np.array_equal(again.validation[0], held)
    assert not np.array_equal(digits.holding_out(0.25, seed=1).validation[0], held)
    assert digits.holding_out(0.0, seed=0) is digits and apart.holding_out(0.5, seed=0) is apart


def test_groups_stay_together_and_classes_that_cannot_be_parted_are_named():
    x = np.arange(12, dtype=np.uint8).reshape(12, 1)
    y = np.array([0, 1] * 6)
    groups = np.repeat(["a", "b", "c"], 4)
    data = Dataset("own", x, y, x, y, {}, groups=groups).holding_out(0.3, seed=0)
    assert len(data.groups) == 8 and not set(data.groups) & set(groups[np.isin(x[:, 0], data.validation[0])])
    alone = Dataset("own", x[:3], np.array([0, 0, 1]), x, y, {})
    with pytest.raises(TwinspikeError, match=r"training.validate = 0.3: dataset own: class 1 has 1 sample"):
        alone.holding_out(0.3, seed=0)


def test_the_log_says_what_the_integer_network_reaches_on_them(tmp_path):
    asked = config(validate=0.25)
    train(asked, tmp_path, progress=False)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    data = load_dataset("digits", progress=False).holding_out(0.25, asked.data.seed)
    network = integer_layers(trained_network(asked, tmp_path, data), asked, data)
    shown = np.concatenate([np.flatnonzero(data.train_labels == label)[:PER_CLASS] for label in range(10)])
    references = class_references(
        embed(network, data.train_images[shown], progress=False).counts, data.train_labels[shown]
    )
    held, labels = data.validation
    distance = emd.distances(embed(network, held, progress=False).counts, references.counts)
    expected = macro_f1(labels, references.labels[emd.nearest(distance)[0]])
    assert [set(row) >= {"validation_macro_f1"} for row in rows] == [True, True]
    assert rows[-1]["validation_macro_f1"] == pytest.approx(expected, abs=1e-12)
    before = (tmp_path / NETWORK_FILE).read_bytes()
    export(asked, tmp_path, progress=False)
    assert (tmp_path / NETWORK_FILE).read_bytes() == before


def test_measuring_changes_nothing_that_is_learnt(tmp_path):
    """The same training images with and without a look at others: the weights are equal."""
    digits = load_dataset("digits", progress=False)
    apart = digits.holding_out(0.25, seed=0)
    plain = Dataset(
        "digits", apart.train_images, apart.train_labels, digits.test_images, digits.test_labels, {}
    )
    with_look = config(validate=0.25)
    train(with_look, tmp_path / "look", progress=False, dataset=digits)
    train(config(), tmp_path / "plain", progress=False, dataset=plain)
    looked = trained_network(with_look, tmp_path / "look", digits)
    blind = trained_network(config(), tmp_path / "plain", plain)
    for one, other in zip(looked.parameters(), blind.parameters(), strict=True):
        assert np.array_equal(one.detach().numpy(), other.detach().numpy())


def test_a_readout_of_membranes_answers_by_its_sums(tmp_path):
    layers = [{"neurons": 24}, {"neurons": 10}]
    training = {"epochs": 2, "validate": 0.25}
    made = config_from_table("sums", {"readout": "membrane", "layers": layers, "training": training})
    train(made, tmp_path, progress=False)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    data = load_dataset("digits", progress=False).holding_out(0.25, made.data.seed)
    network = integer_layers(trained_network(made, tmp_path, data), made, data)
    distance, outputs = answers(network, embed(network, data.validation[0], progress=False))
    expected = macro_f1(data.validation[1], outputs[emd.nearest(distance)[0]])
    assert rows[-1]["validation_macro_f1"] == pytest.approx(expected, abs=1e-12)


def test_a_configuration_that_does_not_ask_is_the_one_that_it_was():
    assert "validate" not in config().table()["training"]
    assert config(validate=0.1).table()["training"]["validate"] == 0.1
