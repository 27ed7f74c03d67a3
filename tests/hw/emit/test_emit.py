import re

import pytest
from support.networks import random_network

import twinspike.hw.emit.emit as module
from twinspike.hw.emit.emit import emit, is_current, plain_names
from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench.images import memory_images


@pytest.fixture(scope="module")
def emitted(tmp_path_factory):
    out = tmp_path_factory.mktemp("emit") / "rtl"
    plan = make_plan(random_network(3), (2, 3))
    return plan, out, emit(plan, out)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_equal_plans_give_equal_bytes(emitted, tmp_path):
    _, out, _ = emitted
    emit(make_plan(random_network(3), (2, 3)), tmp_path / "rtl")
    assert contents(tmp_path / "rtl") == contents(out)


def test_verilog_reads_its_images_by_name_and_carries_the_hash(emitted):
    plan, out, _ = emitted
    text = (out / "twinspike_core.v").read_text()
    named = re.findall(r'\$readmemb\("([^"]+)"', text)
    assert named and sorted(named) == sorted(p.name for p in out.glob("*.mem"))
    assert plan.network.content_hash in text.split("\n\n")[0]
    # No escaped identifiers for module names, and nothing of the machine it was made on.
    assert not re.search(r"^module \\", text, re.MULTILINE)
    assert str(out.parent) not in text and "generator" not in text


def test_images_are_named_after_their_memories_and_read_from_address_0_up(emitted, tmp_path):
    plan, out, _ = emitted
    text = (out / "twinspike_core.v").read_text()
    images = {path.name: path.read_text() for path in out.glob("*.mem")}
    assert images == memory_images(plan) and not any(name.startswith("raw") for name in images)
    assert not re.search(r"^\s*reg \[\d+:0\] \S+ +\[[1-9]\d*:0\];", text, re.MULTILINE)
    # Where a signal has a memory's name, yosys escapes the memory's.
    raw = "module top_part(clk);\n  reg [3:0] \\counts$7  [5:0];\n"
    raw += '  initial $readmemb("x/raw-0.mem", \\counts$7 );\n'
    (tmp_path / "raw-0.mem").write_text("0000\n")
    assert module._name_memories(raw, "top", tmp_path) == (
        "module top_part(clk);\n  reg [3:0] \\counts$7  [0:5];\n"
        '  generate if (MEMORIES == "") begin : gen_counts_by_name\n'
        '    initial $readmemb("part_counts.mem", \\counts$7 );\n'
        "  end else begin : gen_counts_in_folder\n"
        '    initial $readmemb({MEMORIES, "part_counts.mem"}, \\counts$7 );\n'
        "  end endgenerate\n"
    )
    assert (tmp_path / "part_counts.mem").is_file()


def test_every_combinational_block_waits_for_an_event_at_the_start(emitted):
    _, out, _ = emitted
    text = (out / "twinspike_core.v").read_text()
    # Icarus evaluates a block at the first event after it began to wait; a declaration's value is none.
    assert not re.search(r"verilog_backend|reg at_start *=", text)
    blocks = re.findall(r"always @\* begin\n(.*)\n", text)
    assert blocks and all(line.strip() == "if (at_start ) begin end" for line in blocks)
    assert text.count("initial at_start <= 0;") == text.count("reg at_start;") > 0
    assert not re.search(r"always @\*$", text, re.MULTILINE)


def test_a_block_of_one_assignment_begins_like_the_others():
    # As yosys writes it: nothing that it reads changes, so Icarus would never evaluate it.
    raw = "module part(clk);\n  input clk;\n  reg [7:0] bit;\n  always @*\n    bit[7:4] = 4'h0;\nendmodule\n"
    found = module._start_blocks(raw + raw.replace("part", "other").replace("always", "assign x = 1'h0; //"))
    assert found.startswith(
        "module part(clk);\n  reg at_start;\n  /* verilator lint_off INITIALDLY */ initial at_start <= 0;\n"
        "  input clk;\n  reg [7:0] bit;\n  always @* begin\n    if (at_start ) begin end\n"
        "    bit[7:4] = 4'h0;\n  end\nendmodule\n"
    )
    assert "at_start" not in found.split("endmodule\n")[1]


def test_a_second_core_replaces_the_whole_folder(emitted, tmp_path):
    plan, _, _ = emitted
    out = tmp_path / "rtl"
    emit(plan, out)
    (out / "stale.mem").write_text("0")
    other = make_plan(random_network(4), (1, 1))
    assert is_current(plan, out) and not is_current(other, out)
    emit(other, out)
    assert is_current(other, out) and not is_current(plan, out)
    assert not (out / "stale.mem").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["rtl"]


def test_a_failure_leaves_the_older_core_and_no_litter(emitted, tmp_path, monkeypatch):
    plan, _, _ = emitted
    out = tmp_path / "rtl"
    emit(plan, out)
    before = contents(out)

    def fail(*_):
        raise TwinspikeError("yosys failed")

    monkeypatch.setattr(module, "run_tool", fail)
    with pytest.raises(TwinspikeError, match="yosys failed"):
        emit(make_plan(random_network(4)), out)
    assert contents(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["rtl"]


def test_a_place_that_cannot_be_written_is_named(emitted, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TwinspikeError, match=r"file/rtl: cannot write: Not a directory|File exists"):
        emit(emitted[0], tmp_path / "file" / "rtl")
    with pytest.raises(TwinspikeError, match=r"file is not a folder of generated RTL"):
        emit(emitted[0], tmp_path / "file")
    assert (tmp_path / "file").read_text() == ""


def test_the_summary_gives_the_plan_in_figures(emitted):
    plan, _, summary = emitted
    assert summary["network_hash"] == plan.network.content_hash
    assert [layer["lanes"] for layer in summary["layers"]] == [2, 3]
    assert [layer["accumulator_bits"] for layer in summary["layers"]] == [
        layer.accumulator_bits for layer in plan.layers
    ]


def test_plain_names_touches_module_names_and_brackets_only():
    text = "module \\top.a.b\n  cell \\top.a.b \\x.y\n  cell $add \\top.a.b\n  wire \\top.a.b\nend\n"
    assert plain_names(text) == (
        "module \\top_a_b\n  cell \\top_a_b \\x.y\n  cell $add \\top.a.b\n  wire \\top.a.b\nend\n"
    )
    text = 'wire \\a[1].v\nwire \\a_1.v\nconnect \\a [1] \\a[1].v\nparameter \\MEMID "\\\\a[1].v"\n'
    assert plain_names(text) == (
        'wire \\a_1.v_\nwire \\a_1.v\nconnect \\a [1] \\a_1.v_\nparameter \\MEMID "\\\\a_1.v_"\n'
    )


def test_no_name_looks_like_a_bit_of_another(emitted):
    # abc9 would take it for that bit.
    _, out, _ = emitted
    for path in out.glob("*.il"):
        assert not re.search(r"\\[^\s]*\[", path.read_text()), path


def test_rtl_of_another_generator_is_not_current(emitted, monkeypatch):
    plan, out, _ = emitted
    assert is_current(plan, out)
    monkeypatch.setattr(module, "generator_hash", lambda: "another")
    assert not is_current(plan, out)
