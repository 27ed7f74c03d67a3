"""Digests of the code: whatever decides an outcome counts, however deep it lies."""

import pytest

from twinspike.hw.emit.emit import generator_hash
from twinspike.numerics import sources
from twinspike.numerics.sources import source_hash
from twinspike.study import runs


def hashes_with(monkeypatch, changed):
    """generator_hash and code_version as if the file that ends with `changed` had one more line."""
    found = sources._below

    class Edited:
        def __init__(self, file):
            self.file = file

        def read_text(self, encoding):
            return self.file.read_text(encoding=encoding) + "\nedited = 1\n"

    def below(folder, where, suffixes):
        for name, file in found(folder, where, suffixes):
            yield name, Edited(file) if name == changed else file

    monkeypatch.setattr(sources, "_below", below)
    return generator_hash(), runs.code_version()


@pytest.mark.parametrize(
    ("changed", "generator", "training"),
    [
        ("model/kernels/conv.cpp", False, True),
        ("model/rules/surrogate.py", False, True),
        ("hw/predict/cycles.py", True, True),
        ("hw/layers/neurons.py", True, False),
        ("hw/weights/sb_spram256ka.v", True, False),
        ("numerics/lif.py", True, True),
        ("quant/synapses/dense.py", True, True),
        ("sim/bench/bench.py", False, False),
    ],
)
def test_a_change_concerns_what_it_decides(monkeypatch, changed, generator, training):
    before = generator_hash(), runs.code_version()
    after = hashes_with(monkeypatch, changed)
    assert (before[0] != after[0], before[1] != after[1]) == (generator, training)


def test_the_golden_model_counts_for_trainings():
    assert "sim.golden" in runs._CODE
    assert source_hash("sim.golden") != source_hash("sim.scalar")


def test_bare_sources_are_those_without_comments_docstrings_and_layout():
    assert source_hash("numerics", bare=True) != source_hash("numerics")


def test_modules_left_out_do_not_count(monkeypatch):
    whole, less = (
        source_hash("numerics", bare=True),
        source_hash("numerics", without=("numerics.lif",), bare=True),
    )
    assert whole != less
    found = sources._below

    def without(folder, where, suffixes):
        yield from (pair for pair in found(folder, where, suffixes) if pair[0] != "numerics/lif.py")

    monkeypatch.setattr(sources, "_below", without)
    assert source_hash("numerics", bare=True) == less
