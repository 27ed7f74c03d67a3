"""Loading networks by name, file and folder; their answers are the golden model's."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from support.networks import counting, random_network

import twinspike as ts
from twinspike.cli.main import main
from twinspike.numerics import emd
from twinspike.numerics.decision import enrolled_threshold
from twinspike.sim.golden import run

TOML = """\
dataset = "digits"
timesteps = 3
[[layers]]
neurons = 32
[[layers]]
neurons = 16
[training]
epochs = 2
batch_size = 256
learning_rate = 2e-3
reference_temperature = 0.0
surrogate_slope = 1.0
"""


@pytest.fixture
def network():
    return random_network(3, timesteps=4, shape=(2, 3), widths=(6, 4), classes=3)


@pytest.fixture
def net(network, tmp_path):
    network.save(tmp_path / "some.safetensors")
    return ts.load(tmp_path / "some.safetensors", out=tmp_path / "build")


def images(seed, count, shape=(2, 3)):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def test_answers_embeddings_and_spikes_are_the_golden_models(net, network):
    x = images(1, 20)
    trace = run(network, network.encode(x))
    for mine, golden in zip(
        dataclasses.astuple(net.classify(x)), dataclasses.astuple(trace.results), strict=True
    ):
        np.testing.assert_array_equal(mine, golden)
    assert [train.shape for train in net.spikes(x)] == [(20, 4, 6), (20, 4, 4)]
    for mine, golden in zip(net.spikes(x), trace.spikes, strict=True):
        np.testing.assert_array_equal(mine, golden.transpose(1, 0, 2))
    embedded = net.embed(x).astype(int)
    np.testing.assert_array_equal(embedded, net.spikes(x)[-1].cumsum(axis=1))
    apart = np.abs(embedded[:, None] - network.references.counts.astype(int)).sum(axis=(2, 3))
    np.testing.assert_array_equal(apart.min(axis=1), net.classify(x).distance)


def test_classes_have_the_names_that_their_data_gave_them(net, network, tmp_path):
    assert net.class_names == ()
    Image.fromarray(images(2, 1)[0]).save(tmp_path / "a.png")
    (answer,) = net.predict(tmp_path / "a.png")
    assert answer.name == str(answer.label)
    named = dataclasses.replace(network, provenance={"class_names": ["cat", "dog", "cow"]})
    named.save(tmp_path / "named.safetensors")
    net = ts.load(tmp_path / "named.safetensors")
    assert net.class_names == ("cat", "dog", "cow")
    (answer,) = net.predict(tmp_path / "a.png")
    assert answer.name == net.class_names[answer.label]


def test_one_image_is_a_batch_of_one(net):
    x = images(2, 3)
    assert net.classify(x[0]).distance == net.classify(x).distance[:1]


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (np.zeros((2, 3)), "float64 [1, 2, 3]"),
        (np.zeros((4, 3, 2), np.uint8), "uint8 [4, 3, 2]"),
        ([[1, 2, 3], [4, 5, 6]], "int64 [1, 2, 3]"),
    ],
)
def test_other_images_are_refused_in_one_line(net, wrong, found):
    with pytest.raises(ts.TwinspikeError) as error:
        net.classify(wrong)
    assert str(error.value) == f"images = {found} is not allowed: expected uint8 [N, 2, 3], pixels 0..255"


def test_a_new_class_is_enrolled_without_training(net, network, tmp_path):
    x = images(3, 5)
    more = net.enrolled(x, 7)
    assert more.network.references.labels.tolist() == [0, 1, 2, 7]
    median = emd.median_reference(run(network, network.encode(x)).output_counts)
    np.testing.assert_array_equal(more.network.references.counts[-1], median)
    distances = emd.distances(run(network, network.encode(x)).output_counts, median[None])[:, 0]
    impostors = emd.distances(network.references.counts.transpose(1, 0, 2), median[None])[:, 0]
    own = enrolled_threshold(distances, impostors, network.verify_threshold)
    assert more.network.references.threshold.tolist() == [network.verify_threshold] * 3 + [own]
    once = net.enrolled(x[:1], 9)
    assert once.classify(x[0]).distance == [0]
    assert net.network.references.labels.tolist() == [0, 1, 2]
    written = once.kept().network
    assert ts.load(written).content_hash == once.content_hash != net.content_hash
    assert written.parent.parent == tmp_path / "build"


def test_only_references_are_enrolled(net, tmp_path):
    bare = dataclasses.replace(net, network=counting(net.network))
    with pytest.raises(ts.TwinspikeError, match="its readout is 'counts', which has no references"):
        bare.enrolled(images(1, 1), 1)
    with pytest.raises(
        ts.TwinspikeError, match=r"label = 65536 is not allowed: expected an integer in 0..65535"
    ):
        net.enrolled(images(1, 1), 65536)


def test_a_network_is_found_by_file_folder_and_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my nets").mkdir()
    (tmp_path / "my nets" / "tiny.toml").write_text(TOML)
    assert main(["train", "--config", "my nets/tiny.toml", "--set", "timesteps=4"]) == 0
    found = [
        ts.load(where) for where in ("build/tiny", tmp_path / "build/tiny", "build/tiny/network.safetensors")
    ]
    (tmp_path / "my nets" / "tiny.toml").write_text(TOML + "threads = 2\n")
    found += [ts.load("build/tiny")]
    (tmp_path / "my nets" / "tiny.toml").unlink()
    found += [ts.load("build/tiny")]
    assert {one.content_hash for one in found} == {found[0].content_hash}
    assert {one.config.timesteps for one in found} == {4}
    assert found[0].metrics["macro_f1"] == found[-1].metrics["macro_f1"] and "tiny" in repr(found[0])
    x, y = found[-1].test_images(7)
    assert x.shape == (7, 8, 8) and len(y) == 7


def test_images_and_labels_in_one_tuple_are_refused_in_one_line(net):
    both = (np.zeros((5, 2, 3), np.uint8), np.arange(5))
    with pytest.raises(ts.TwinspikeError) as error:
        net.classify(both)
    told = "images = tuple is not allowed: expected one array, uint8 [N, 2, 3], pixels 0..255"
    assert str(error.value) == told


def test_a_networks_file_alone_takes_images_but_has_none(net, tmp_path):
    assert net.config is None and net.metrics is None
    with pytest.raises(ts.TwinspikeError, match="no configuration is known for this network"):
        net.test_images(3)
    with pytest.raises(ts.TwinspikeError, match="no configuration is known for this network"):
        ts.report(net, tmp_path / "page.html")
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mnits", "did you mean mnist? Else choose digits-spoken"),
        ("nowhere.toml", "configuration file nowhere.toml does not exist"),
        ("build/none", "build/none: there is no such folder: train a network into it first"),
        ("nowhere.safetensors", "nowhere.safetensors"),
        ("digits", "train it first: twinspike train --config digits"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ts.TwinspikeError) as error:
        ts.load(name)
    assert said in str(error.value)
    with pytest.raises(ts.TwinspikeError, match=r"no network\.safetensors in this folder"):
        ts.load(tmp_path)
