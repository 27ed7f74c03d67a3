"""The tables of fuzzing on maps: what they take from the file of counts."""

from twinspike.documents.fuzz_maps import fuzzing_maps, refused_maps
from twinspike.documents.tables import NOT_YET, Figures

FOUND = {
    "networks": 1234,
    "cases": 200,
    "networks_icarus": 900,
    "frames": 5678,
    "values": 77,
    "coverage": {
        "kind": {"conv": 300, "dense": 20},
        "hold": {"yes": 9},
        "graded": {"0": 5, "1": 2, "4": 3},
        "core": {"wide": 11},
    },
    "refused": {"layers.n.kind = swirl": 2, "too wide": 30},
}


def test_counts_kinds_and_reasons_stand_in_the_tables():
    figures = Figures({}, {}, {"fuzz_maps": FOUND})
    text = fuzzing_maps(figures, "x")
    assert "| networks, in so many cores | 1,234, 200 |" in text
    assert "| of these in Icarus Verilog; in wide cores | 900; 11 |" in text
    assert "| VALUE words in them; networks with multiplicities | 77; 5 |" in text
    assert (
        "conv 300, dense 20, hold 9 |" in text
        and "| frames, all spikes and results compared | 5,678 |" in text
    )
    lines = refused_maps(figures, "x").strip().splitlines()
    assert lines[-2:] == ["| too wide | 30 |", "| layers.n.kind = swirl | 2 |"]


def test_without_a_campaign_there_is_nothing_yet():
    none = Figures({}, {}, {})
    assert fuzzing_maps(none, "x") == refused_maps(none, "x") == NOT_YET
