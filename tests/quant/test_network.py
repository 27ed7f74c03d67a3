import dataclasses
import json
import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from support.networks import counting, random_network

from twinspike.numerics.encodings import ENCODINGS, Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network import Network
from twinspike.quant.network_file import MAX_FILE_BYTES, load_network, parse_network

SOUND = random_network(1).to_bytes()


def taken_apart(data=SOUND):
    """(tensors, metadata) of a network file, to be spoilt and put together again."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return load(data), json.loads(header["__metadata__"]["twinspike"])


def put_together(tensors, metadata, key="twinspike"):
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    return save(tensors, metadata={key: text})


def refusal(data):
    with pytest.raises(TwinspikeError) as caught:
        parse_network(data, "n.safetensors")
    text = str(caught.value)
    assert text.startswith("n.safetensors: ") and "\n" not in text
    return text.removeprefix("n.safetensors: ")


def equal(a: Network, b: Network) -> bool:
    return a.to_bytes() == b.to_bytes()


@pytest.mark.parametrize("kind", ENCODINGS)
def test_round_trip_through_a_file(tmp_path, kind):
    network = random_network(2, shape=(3, 4), encoder=ENCODINGS[kind](), weight_bits=8, state_bits=32)
    path = tmp_path / "network.safetensors"
    network.save(path)
    back = load_network(path)
    assert equal(network, back) and back.content_hash == network.content_hash
    assert back.encoder == network.encoder and back.shape == (3, 4) and back.provenance == {"seed": 2}
    assert [layer.spec for layer in back.layers] == [layer.spec for layer in network.layers]
    for a, b in zip(network.layers, back.layers, strict=True):
        assert np.array_equal(a.weight, b.weight) and np.array_equal(a.bias, b.bias)
        assert np.array_equal(a.threshold, b.threshold)
    assert np.array_equal(network.references.counts, back.references.counts)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_the_file_has_the_documented_layout():
    tensors, metadata = taken_apart()
    assert {name: (t.dtype.name, t.shape) for name, t in tensors.items()} == {
        "layers.0.weight": ("int8", (4, 6)),
        "layers.0.bias": ("int32", (4,)),
        "layers.0.threshold": ("int32", (4,)),
        "layers.1.weight": ("int8", (3, 4)),
        "layers.1.bias": ("int32", (3,)),
        "layers.1.threshold": ("int32", (3,)),
        "references.counts": ("uint8", (3, 5, 3)),
        "references.labels": ("int32", (3,)),
    }
    layer = {
        "kind": "dense",
        "weight_bits": 4,
        "leak_shift": 3,
        "reset": "subtract",
        "single_spike": False,
        "state_bits": 12,
    }
    assert metadata == {
        "version": 1,
        "name": "tiny",
        "timesteps": 5,
        "layers": [layer, layer],
        "encoder": {"kind": "latency", "threshold": 10, "shape": [2, 3]},
        "verify_threshold": 7,
        "provenance": {"seed": 1},
    }


def test_equal_networks_give_equal_bytes_and_any_change_another_hash():
    network = random_network(1)
    assert network.to_bytes() == SOUND
    weight = network.layers[0].weight.copy()
    weight[0, 0] += 1 if weight[0, 0] < 7 else -1
    layers = (dataclasses.replace(network.layers[0], weight=weight), network.layers[1])
    assert dataclasses.replace(network, layers=layers).content_hash != network.content_hash
    assert dataclasses.replace(network, verify_threshold=8).content_hash != network.content_hash


def test_numpy_integers_are_welcome():
    network = dataclasses.replace(
        random_network(1), timesteps=np.int64(5), verify_threshold=np.int64(7), shape=tuple(np.array([2, 3]))
    )
    assert network.to_bytes() == SOUND


def test_a_network_that_counts_spikes_has_up_to_1023_steps(tmp_path):
    long = counting(random_network(1, timesteps=5))
    none = np.zeros((0, 1023, long.outputs), np.uint8)
    references = dataclasses.replace(long.references, counts=none)
    longest = dataclasses.replace(long, timesteps=1023, references=references)
    longest.save(tmp_path / "network.safetensors")
    assert load_network(tmp_path / "network.safetensors").timesteps == 1023
    with pytest.raises(TwinspikeError, match=r"timesteps = 1024 .* in 1\.\.1023"):
        dataclasses.replace(longest, timesteps=1024)


METADATA_CASES = [
    (("version",), 2, "version = 2 is not allowed: expected 1"),
    (("version",), True, "version = True is not allowed: expected 1"),
    (("name",), "", "name = '' is not allowed: expected text of 1 to 100 printable characters"),
    (("name",), "a\nb", "name = 'a\\nb' is not allowed: expected text of 1 to 100 printable characters"),
    (("name",), 7, "name = 7 is not allowed: expected text of 1 to 100 printable characters"),
    (("timesteps",), 0, "timesteps = 0 is not allowed: expected an integer in 1..255"),
    (("timesteps",), 256, "timesteps = 256 is not allowed: expected an integer in 1..255"),
    (("timesteps",), 5.0, "timesteps = 5.0 is not allowed: expected an integer in 1..255"),
    (("timesteps",), 6, "references.counts shape = (3, 5, 3) is not allowed: expected [K >= 1, 6, 3]"),
    (("encoder",), None, "encoder = None is not allowed: expected a JSON object with kind and shape"),
    (("encoder", "kind"), "morse", "encoder.kind = 'morse' is unknown: allowed are latency, latency-dense, "),
    (("encoder", "threshold"), -1, "encoder.threshold = -1 is not allowed: expected an integer in 0..255"),
    (("encoder", "gain"), 1, "encoder.gain is unknown: allowed keys are threshold"),
    (
        ("encoder", "shape"),
        [],
        "encoder.shape = () is not allowed: expected a list of 1 to 4 positive integers",
    ),
    (
        ("encoder", "shape"),
        [6, 0],
        "encoder.shape = (6, 0) is not allowed: expected a list of 1 to 4 positive",
    ),
    (("encoder", "shape"), [7], "layers.0.weight shape = (4, 6) is not allowed: expected [neurons >= 1, 7]"),
    (("layers",), [], "layers = [] is not allowed: expected a list of 1 to 16 layers"),
    (("layers",), {}, "layers = {} is not allowed: expected a list of 1 to 16 layers"),
    (("layers", 0), 5, "layers.0.kind = 5 is not allowed: expected dense"),
    (("layers", 0, "kind"), "loop", "layers.0.kind = 'loop' is not allowed: expected dense or conv"),
    (("layers", 0, "weight_bits"), 9, "layers.0.weight_bits = 9 is not allowed: expected an integer in 1..8"),
    (("layers", 0, "weight_bits"), 2, "layers.0.weight[0,"),
    (
        ("layers", 1, "leak_shift"),
        32,
        "layers.1.leak_shift = 32 is not allowed: expected an integer in 0..31",
    ),
    (
        ("layers", 1, "reset"),
        "none",
        "layers.1.reset = 'none' is not allowed: expected one of subtract, zero",
    ),
    (("layers", 1, "single_spike"), 0, "layers.1.single_spike = 0 is not allowed: expected true or false"),
    (("layers", 1, "state_bits"), 1, "layers.1.state_bits = 1 is not allowed: expected an integer in 2..32"),
    (
        ("layers", 1, "state_bits"),
        33,
        "layers.1.state_bits = 33 is not allowed: expected an integer in 2..32",
    ),
    (
        ("layers", 1, "delay"),
        1,
        "layers.1.delay is unknown: allowed keys are weight_bits, leak_shift, reset, ",
    ),
    (("verify_threshold",), -1, "verify_threshold = -1 is not allowed: expected an integer in 0..2147483647"),
    (
        ("verify_threshold",),
        1.5,
        "verify_threshold = 1.5 is not allowed: expected an integer in 0..2147483647",
    ),
    (("provenance",), [], "provenance = [] is not allowed: expected a JSON object"),
    (
        ("extra",),
        1,
        "metadata.extra is unknown: the keys are encoder, layers, name, provenance, readout, timesteps, ",
    ),
]


@pytest.mark.parametrize(("path", "value", "text"), METADATA_CASES)
def test_bad_metadata_is_named(path, value, text):
    tensors, metadata = taken_apart()
    place = metadata
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert refusal(put_together(tensors, metadata)).startswith(text)


MISSING = [
    (
        ("name",),
        "metadata.name is missing: the keys are encoder, layers, name, provenance, readout, timesteps, ",
    ),
    (("provenance",), "metadata.provenance is missing: the keys are "),
    (("version",), "version = None is not allowed: expected 1"),
    (("encoder", "kind"), "encoder.kind = None is unknown: allowed are latency, "),
    (("encoder", "threshold"), "encoder.threshold is missing"),
    (("encoder", "shape"), "encoder.shape = None is not allowed"),
    (("layers", 1), "tensor layers.1.bias is unknown: the tensors are layers.0.bias, "),
    (("layers", 0, "state_bits"), "layers.0.state_bits is missing"),
]


@pytest.mark.parametrize(("path", "text"), MISSING)
def test_missing_metadata_is_named(path, text):
    tensors, metadata = taken_apart()
    place = metadata
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    assert refusal(put_together(tensors, metadata)).startswith(text)


def spoilt(array, index, value):
    array = array.copy()
    array[index] = value
    return array


TENSOR_CASES = [
    (
        "layers.0.weight",
        lambda a: spoilt(a, (1, 2), 8),
        "layers.0.weight[1,2] = 8 is not allowed: expected -7..7",
    ),
    (
        "layers.0.weight",
        lambda a: spoilt(a, (0, 0), -128),
        "layers.0.weight[0,0] = -128 is not allowed: expected ",
    ),
    (
        "layers.0.weight",
        lambda a: a.T,
        "layers.0.weight shape = (6, 4) is not allowed: expected [neurons >= 1, 6]",
    ),
    (
        "layers.1.weight",
        lambda a: a[:, 0],
        "layers.1.weight shape = (3,) is not allowed: expected [neurons >= 1, 4]",
    ),
    (
        "layers.1.weight",
        lambda a: a[:0],
        "layers.1.weight shape = (0, 4) is not allowed: expected [neurons >= 1, 4]",
    ),
    (
        "layers.0.weight",
        lambda a: a.astype(np.int16),
        "layers.0.weight dtype = 'int16' is not allowed: expected int8",
    ),
    ("layers.0.bias", lambda a: a[:-1], "layers.0.bias shape = (3,) is not allowed: expected [4]"),
    (
        "layers.0.bias",
        lambda a: a.astype(np.float32),
        "layers.0.bias dtype = 'float32' is not allowed: expected int32",
    ),
    (
        "layers.0.threshold",
        lambda a: spoilt(a, 2, 0),
        "layers.0.threshold[2] = 0 is not allowed: expected 1..2147483647",
    ),
    (
        "layers.0.threshold",
        lambda a: a[None],
        "layers.0.threshold shape = (1, 4) is not allowed: expected [4]",
    ),
    (
        "references.counts",
        lambda a: a[:, :, :-1],
        "references.counts shape = (3, 5, 2) is not allowed: expected ",
    ),
    (
        "references.counts",
        lambda a: a[:0],
        "references.counts shape = (0, 5, 3) is not allowed: expected [K >= 1, 5, 3]",
    ),
    (
        "references.counts",
        lambda a: a.astype(np.int32),
        "references.counts dtype = 'int32' is not allowed: expected uint8",
    ),
    (
        "references.counts",
        lambda a: spoilt(a, (1, 0, 2), 2),
        "references.counts[1,0,2] = 2 is not allowed: expected cumul",
    ),
    (
        "references.counts",
        lambda a: spoilt(a, (0, 4, 0), 200),
        "references.counts[0,4,0] = 200 is not allowed: expected c",
    ),
    ("references.labels", lambda a: a[:2], "references.labels shape = (2,) is not allowed: expected [3]"),
    (
        "references.labels",
        lambda a: spoilt(a, 1, -4),
        "references.labels = -4 is not allowed: expected 0..65535",
    ),
    (
        "references.labels",
        lambda a: spoilt(a, 1, 65536),
        "references.labels = 65536 is not allowed: expected 0..65535",
    ),
]


@pytest.mark.parametrize(("name", "spoil", "text"), TENSOR_CASES)
def test_bad_tensors_are_named(name, spoil, text):
    tensors, metadata = taken_apart()
    tensors[name] = np.ascontiguousarray(spoil(tensors[name]))
    assert refusal(put_together(tensors, metadata)).startswith(text)


def with_thresholds(values):
    references = dataclasses.replace(random_network().references, threshold=np.array(values, np.int32))
    return dataclasses.replace(random_network(), references=references)


def test_references_may_have_thresholds_of_their_own(tmp_path):
    network = with_thresholds([5, 0, (1 << 31) - 1])
    assert network.thresholds.tolist() == [5, 0, (1 << 31) - 1]
    assert random_network().thresholds.tolist() == [7, 7, 7]
    network.save(tmp_path / "own.safetensors")
    back = load_network(tmp_path / "own.safetensors")
    assert back.references.threshold.tolist() == network.thresholds.tolist()
    assert back.content_hash == network.content_hash != random_network().content_hash


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1, 2], "references.threshold shape = (2,) is not allowed: expected [3], one a reference"),
        ([1, -2, 3], "references.threshold = -2 is not allowed: expected 0..2147483647"),
    ],
)
def test_bad_thresholds_of_references_are_named(values, text):
    with pytest.raises(TwinspikeError) as error:
        with_thresholds(values)
    assert str(error.value).startswith(text)


def test_one_bit_weights_have_no_zero():
    tensors, metadata = taken_apart(random_network(1, weight_bits=1).to_bytes())
    tensors["layers.0.weight"] = spoilt(tensors["layers.0.weight"], (3, 5), 0)
    text = refusal(put_together(tensors, metadata))
    assert text == "layers.0.weight[3,5] = 0 is not allowed: expected -1 or +1 at 1 bit"


@pytest.mark.parametrize("name", sorted(load(SOUND)))
def test_missing_tensors_are_named(name):
    tensors, metadata = taken_apart()
    del tensors[name]
    assert refusal(put_together(tensors, metadata)).startswith(f"tensor {name} is missing: the tensors are ")


def test_surplus_tensors_are_named():
    tensors, metadata = taken_apart()
    tensors["layers.2.weight"] = np.zeros(1, np.int8)
    assert refusal(put_together(tensors, metadata)).startswith(
        "tensor layers.2.weight is unknown: the tensors "
    )


def test_files_without_our_metadata_are_told_apart():
    tensors, metadata = taken_apart()
    missing = "metadata key 'twinspike' is missing: this is not a network file"
    assert refusal(put_together(tensors, metadata, key="other")) == missing
    assert refusal(save(tensors)) == missing
    assert refusal(put_together(tensors, "{")).startswith("metadata 'twinspike' is not JSON (")
    assert refusal(put_together(tensors, "[" * 100_000)).startswith("metadata 'twinspike' is not JSON (")
    assert refusal(put_together(tensors, "3")) == "metadata = 3 is not allowed: expected a JSON object"


@pytest.mark.parametrize("length", [0, 7, 8, 100, len(SOUND) - 1])
def test_truncated_files_are_refused(length):
    assert refusal(SOUND[:length]).startswith("is not a sound safetensors file (")


def test_unreadable_paths(tmp_path):
    with pytest.raises(TwinspikeError) as caught:
        load_network(tmp_path / "none")
    text = f"{tmp_path / 'none'}: cannot read the network file: No such file or directory"
    assert str(caught.value) == text
    with pytest.raises(TwinspikeError, match="cannot read the network file: Is a directory"):
        load_network(tmp_path)
    huge = tmp_path / "huge"
    with open(huge, "wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)  # a sparse file
    with pytest.raises(TwinspikeError, match="has 268435457 bytes, the network file at most 268435456"):
        load_network(huge)


def test_networks_made_in_python_are_checked_alike():
    network = random_network(1)
    layer = network.layers[0]
    wrong = dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, state_bits=40))
    with pytest.raises(TwinspikeError, match=r"^layers\.0\.state_bits = 40 is not allowed"):
        dataclasses.replace(network, layers=(wrong, network.layers[1]))
    wrong = dataclasses.replace(layer, weight=layer.weight.astype(np.int64))
    with pytest.raises(
        TwinspikeError, match=r"^layers\.0\.weight dtype = 'int64' is not allowed: expected int8"
    ):
        dataclasses.replace(network, layers=(wrong, network.layers[1]))
    with pytest.raises(TwinspikeError, match=r"^encoder\.threshold = 999 is not allowed"):
        dataclasses.replace(network, encoder=Latency(999))
    with pytest.raises(TwinspikeError, match=r"^encoder\.shape = \[2, 3\] is not allowed"):
        dataclasses.replace(network, shape=[2, 3])
    with pytest.raises(TwinspikeError, match=r"^layers = 0 is not allowed: expected 1 to 16 layers"):
        dataclasses.replace(network, layers=())


def loaded_or_refused(data):
    try:
        network = parse_network(data, "file")
    except TwinspikeError as error:
        assert str(error).startswith("file: ") and str(error).isprintable() and len(str(error)) <= 1000
        return
    again = parse_network(network.to_bytes(), "again")
    assert equal(network, again)
    network.encode(np.zeros((1, *network.shape), np.uint8))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.integers(0, len(SOUND) * 8 - 1), min_size=1, max_size=4))
def test_flipped_bits_load_or_are_refused_with_one_line(bits):
    data = bytearray(SOUND)
    for bit in bits:
        data[bit // 8] ^= 1 << bit % 8
    loaded_or_refused(bytes(data))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(SOUND)), st.integers(0, 40), st.binary(max_size=40))
def test_cut_and_spliced_files_load_or_are_refused_with_one_line(start, removed, inserted):
    loaded_or_refused(SOUND[:start] + inserted + SOUND[start + removed :])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.integers(-1, 300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
PLACES = [path for path, *_ in METADATA_CASES]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_any_json_value_anywhere_loads_or_is_refused_with_one_line(path, value):
    tensors, metadata = taken_apart()
    place = metadata
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    loaded_or_refused(put_together(tensors, metadata))


def test_a_network_that_counts_spikes_has_no_references(tmp_path):
    network = counting(random_network(3), verify_threshold=2)
    network.save(tmp_path / "n.safetensors")
    again = load_network(tmp_path / "n.safetensors")
    assert (again.readout, again.verify_threshold, again.references.counts.shape) == ("counts", 2, (0, 5, 3))
    assert again.content_hash == network.content_hash
    with pytest.raises(
        TwinspikeError, match=r"references\.counts shape = \(3, 5, 3\) .* expected \[0, 5, 3\]"
    ):
        dataclasses.replace(random_network(3), readout="counts")
    with pytest.raises(
        TwinspikeError, match=r"references\.counts shape = \(0, 5, 3\) .* expected \[K >= 1, 5, 3\]"
    ):
        dataclasses.replace(network, readout="emd")
    with pytest.raises(TwinspikeError, match="readout = 'rate' is not allowed: expected one of emd, counts"):
        dataclasses.replace(network, readout="rate")


def test_a_file_without_a_readout_is_one_of_distances():
    tensors, metadata = taken_apart()
    assert "readout" not in metadata
    assert parse_network(put_together(tensors, metadata), "n").readout == "emd"
