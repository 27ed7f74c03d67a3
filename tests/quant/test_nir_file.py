"""`.nir` files: read as they are, refused in one line where they are damaged or hostile."""

import resource

import h5py
import nir
import numpy as np
import pytest
from support.graphs import small_graph, write

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_file import MAX_FILE_BYTES, MAX_OBJECTS, read_graph


@pytest.fixture
def sound(tmp_path):
    return write(tmp_path / "net.nir", small_graph(np.random.default_rng(0)))


def test_a_file_of_the_nir_package_reads_as_its_dictionary(tmp_path):
    ones = np.ones(2, np.float32)
    made = nir.NIRGraph(
        {
            "in": nir.Input({"input": np.array([3])}),
            "fc": nir.Linear(np.ones((2, 3), np.float32)),
            "lif": nir.LIF(tau=ones, r=ones, v_leak=ones * 0, v_threshold=ones, v_reset=ones * 0),
            "out": nir.Output({"output": np.array([2])}),
        },
        [("in", "fc"), ("fc", "lif"), ("lif", "out")],
        metadata={"note": "é" * 3},
    )
    nir.write(tmp_path / "n.nir", made)
    found = read_graph(tmp_path / "n.nir")
    assert [tuple(pair) for pair in found["edges"]] == made.edges
    assert found["metadata"] == {"note": "ééé"}
    assert {name: node["type"] for name, node in found["nodes"].items()} == {
        "in": "Input",
        "fc": "Linear",
        "lif": "LIF",
        "out": "Output",
    }
    assert found["nodes"]["fc"]["weight"].dtype == np.float32


def huge(file):
    file["node"].create_dataset("zeros", shape=(1 << 40,), dtype="f8", chunks=(1 << 10,))


def chunky(file):
    file["node"].create_dataset(
        "zeros", shape=(4,), maxshape=(None,), dtype="u1", chunks=(MAX_FILE_BYTES * 2,)
    )


def many(file):
    for i in range(MAX_OBJECTS + 1):
        file["node"].create_group(f"g{i}")


def texts(file):
    file["node"].create_dataset("names", data=["x"] * (MAX_OBJECTS + 1), dtype=h5py.string_dtype())


def soft(file):
    file["node/loop"] = h5py.SoftLink("/node")


def external(file):
    file["node/else"] = h5py.ExternalLink("/etc/passwd", "/")


def circle(file):
    file["node/self"] = file["node"]


def virtual(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    file["node"].create_virtual_dataset("v", layout)


def compound(file):
    file["node"].create_dataset("c", data=np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]))


def reference(file):
    file["node"].create_dataset("r", data=file["node"].ref, dtype=h5py.ref_dtype)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (huge, "bytes of values are not allowed"),
        (chunky, "bytes of values are not allowed"),
        (many, "more than 4096 groups and values"),
        (texts, "more than 4096 texts"),
        (soft, "/node/loop: links are not allowed"),
        (external, "/node/else: links are not allowed"),
        (circle, "nest deeper than"),
        (virtual, "virtual and external values are not allowed"),
        (compound, "are not allowed: expected numbers or text"),
        (reference, "expected numbers or text"),
    ],
)
def test_hostile_files_are_refused_before_anything_is_allocated(sound, damage, message):
    with h5py.File(sound, "a") as file:
        damage(file)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TwinspikeError, match=message) as refused:
        read_graph(sound)
    assert str(refused.value).startswith(str(sound)) and "\n" not in str(refused.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_other_files_are_refused(tmp_path):
    with pytest.raises(TwinspikeError, match="cannot read a NIR file: No such file"):
        read_graph(tmp_path / "none.nir")
    (tmp_path / "text.nir").write_text("hello")
    with pytest.raises(TwinspikeError, match="is not a sound NIR file"):
        read_graph(tmp_path / "text.nir")
    with h5py.File(tmp_path / "empty.nir", "w"):
        pass
    with pytest.raises(TwinspikeError, match="group 'node' is missing"):
        read_graph(tmp_path / "empty.nir")
    with pytest.raises(TwinspikeError):
        read_graph(tmp_path)


def test_damaged_bytes_never_raise_anything_else(sound, tmp_path):
    rng = np.random.default_rng(1)
    whole = np.frombuffer(sound.read_bytes(), np.uint8)
    bad = tmp_path / "bad.nir"
    refused = 0
    for _ in range(300):
        data = whole.copy()
        # The beginning holds the structure: superblock, group headers, symbol tables.
        places = rng.integers(0, min(len(data), 6000), 4)
        data[places] = rng.integers(0, 256, 4)
        bad.write_bytes(
            data[: rng.integers(1, len(data))].tobytes() if rng.random() < 0.2 else data.tobytes()
        )
        try:
            read_graph(bad)
        except TwinspikeError:
            refused += 1
    assert refused > 30
