"""A share of ``make fuzz-files``, the mistakes that it found, and what must never read a file."""

import gzip
import json
import os
import random
import re
from pathlib import Path

import pytest
from hostile import campaign, damaged
from hostile_kinds import kinds
from support.networks import random_network

from twinspike.config import load_config
from twinspike.hw.emit.emit import emit, is_current
from twinspike.hw.plan import make_plan
from twinspike.model.data.idx import read_idx
from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.numerics.files import parse_json, read_limited
from twinspike.numerics.shapes import conform
from twinspike.quant.network import METADATA_KEY
from twinspike.quant.network_file import load_network

ROOT = Path(__file__).parent.parent


def test_damaged_files_are_loaded_soundly_or_refused_with_one_line(tmp_path):
    found = campaign(kinds(tmp_path), 450, 11, tmp_path, tmp_path / "failed", progress=False)
    assert found["failures"] == []
    # The mutator does both: harm that matters, and harm that does not.
    for name, counts in found["kinds"].items():
        assert counts["refused"] > 20, name
    assert sum(counts.get("loaded", 0) for counts in found["kinds"].values()) > 20


def test_a_loader_that_lets_an_exception_through_is_found(tmp_path):
    path, source, _ = kinds(tmp_path)["metrics.json"]
    loader = {"naive": (path, source, lambda path: json.loads(path.read_text())["macro_f1"] + 1)}
    found = campaign(loader, 50, 1, tmp_path, tmp_path / "failed", progress=False)
    assert found["failed"] > 10 and len(list((tmp_path / "failed").iterdir())) == found["failed"]


def test_mutations_are_a_function_of_the_seed():
    assert [damaged(random.Random("1/2"), bytes(100)) for _ in range(2)] == [
        damaged(random.Random("1/2"), bytes(100))
    ] * 2


def test_nothing_unpickles():
    """No pickle, and torch.load only with weights_only=True, in any package that reads users' files."""
    for path in (
        p
        for folder in ("twinspike", "model", "quant", "sim", "hw", "numerics")
        for p in sorted((ROOT / folder).rglob("*.py"))
    ):
        text = path.read_text()
        assert not re.search(
            r"\b(import|from) (pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal)\b", text
        ), path
        assert "allow_pickle=True" not in text, path
        for call in re.findall(r"torch\.load\((?:[^()]|\([^()]*\))*\)", text):
            assert "weights_only=True" in call, path


def test_a_bomb_is_unpacked_no_further_than_its_header_announces(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 1]) + (4).to_bytes(4, "big") + bytes(1 << 26)))
    with pytest.raises(TwinspikeError, match="promise 4 bytes of data, found more"):
        read_idx(path, 1)


def test_pipes_devices_and_folders_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", Path("/dev/zero")):
        with pytest.raises(TwinspikeError, match="is no regular file: expected the network file"):
            load_network(path)
    with pytest.raises(TwinspikeError, match="Is a directory"):
        read_limited(tmp_path, 10, "a file")
    with pytest.raises(TwinspikeError, match="does not exist"):
        load_config(str(tmp_path / "pipe.toml"))


def test_reading_allocates_no_more_than_the_file_holds(tmp_path):
    (tmp_path / "small").write_bytes(b"abc")
    assert read_limited(tmp_path / "small", 1 << 60, "a file") == b"abc"


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "[" * 100_000, '{"a": ' * 990 + "1" + "}" * 990, "1" * 5000]
)
def test_unsound_json_is_a_value_error(text):
    with pytest.raises(ValueError):
        parse_json(text)


def test_provenance_too_deep_to_be_written_again_is_refused(tmp_path):
    data = random_network().to_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    meta = json.loads(header["__metadata__"][METADATA_KEY])
    text = json.dumps(meta).replace('"provenance": {', '"provenance": {"x": ' + "[" * 990 + "]" * 990 + ", ")
    header["__metadata__"][METADATA_KEY] = text
    new = json.dumps(header).encode()
    (tmp_path / "deep").write_bytes(len(new).to_bytes(8, "little") + new + data[8 + size :])
    with pytest.raises(TwinspikeError, match="nested too deeply"):
        load_network(tmp_path / "deep")


def test_a_hostile_summary_only_makes_rtl_stale(tmp_path):
    plan = make_plan(random_network())
    emit(plan, tmp_path / "rtl")
    assert is_current(plan, tmp_path / "rtl")
    (tmp_path / "rtl" / "rtl.json").write_text("[" * 100_000)
    assert not is_current(plan, tmp_path / "rtl")


def test_shapes_name_the_first_place_that_is_wrong():
    shape = {"a": "count", "?b": [{"*": "number"}], "c": "positive"}
    assert conform({"a": 0, "c": 1.5, "d": None}, shape, "f") == {"a": 0, "c": 1.5, "d": None}
    for value, text in (
        ({"a": 1}, "f.c is missing"),
        ({"a": True, "c": 1}, "f.a = True is not allowed: expected an integer >= 0"),
        ({"a": 1, "b": [{}, {"x": "y"}], "c": 1}, "f.b[1].x = 'y' is not allowed: expected a number"),
        ({"a": 1, "c": 10**400}, "f.c = 1000"),
        ({"a": 1, "c": float("nan")}, "f.c = nan"),
        ([], "f = [] is not allowed: expected a JSON object"),
    ):
        with pytest.raises(TwinspikeError) as caught:
            conform(value, shape, "f")
        assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    "progress",
    [
        {"sums": 0.5},
        {"sums": None},
        {"epoch": "x"},
        {"epoch": 1, "history": [3]},
        {"history": [{}]},
        [],
        {"x": 1},
    ],
)
def test_a_checkpoint_whose_position_makes_no_sense_is_refused(progress, tmp_path):
    path, source, load = kinds(tmp_path)["checkpoint"]
    header = json.loads(json.dumps(source.header))
    meta = json.loads(header["__metadata__"][source.key])
    header["__metadata__"][source.key] = json.dumps({**meta, "progress": progress})
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + source.body)
    with pytest.raises(TwinspikeError, match="is no sound checkpoint"):
        load(path)


def test_a_value_too_deep_to_be_shown_is_refused_all_the_same():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert str(out_of_range("name", deep, "text")) == (
        "name = a value nested deeply is not allowed: expected text"
    )


def test_cycles_of_a_kind_that_nobody_knows_are_no_reason_to_trip(tmp_path):
    path, source, load = kinds(tmp_path)["sim.json"]
    value = json.loads(source.text)
    value["runs"][0]["cycles"]["x"] = 3
    path.write_text(json.dumps(value))
    with pytest.raises(TwinspikeError, match=r"sim.json.runs\[0\].cycles.x = 3 is not allowed"):
        load(path)
