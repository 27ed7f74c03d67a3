"""The register map: sound in itself, and the same in every form."""

import json

from support.networks import counting, random_network

from twinspike.hw.bus.core_registers import constants, core_registers
from twinspike.hw.bus.fields import ACCESS
from twinspike.hw.bus.forms.markdown import registers_markdown
from twinspike.hw.bus.forms.program import registers_json
from twinspike.hw.bus.forms.verilog_header import registers_header
from twinspike.hw.bus.registers import ADDRESS_BITS, REGISTERS
from twinspike.hw.plan import make_plan


def test_offsets_and_bits_overlap_nowhere():
    offsets = [register.offset for register in REGISTERS]
    assert len(set(offsets)) == len(offsets) == len({register.name for register in REGISTERS})
    assert all(offset % 4 == 0 and 0 <= offset < 1 << ADDRESS_BITS for offset in offsets)
    for register in REGISTERS:
        used = [bit for f in register.fields for bit in range(f.low, f.low + f.width)]
        assert len(set(used)) == len(used) and max(used) < 32, register.name
        assert all(field.access in ACCESS for field in register.fields)


def test_constants_fit_their_fields():
    found = constants(make_plan(random_network()))
    fields = {f"{r.name}.{f.name}": f for r in REGISTERS for f in r.fields}
    assert all(0 <= value < 1 << fields[key].width for key, value in found.items())


def test_markdown_json_and_header_say_the_same():
    plan = make_plan(random_network())
    table = json.loads(json.dumps(registers_json(plan)))
    text, header = registers_markdown(plan), registers_header(plan)
    for register in table["registers"]:
        assert f"| `0x{register['offset']:02x}` | `{register['name']}` |" in text
        assert f"`define TWINSPIKE_{register['name']} 12'h{register['offset']:03x}\n" in header
        for field in register["fields"]:
            assert f"| {field['name']} | {field['access']} | {field['meaning']} |" in text
    assert table["network_hash"] == plan.network.content_hash[:16]
    threshold = next(r for r in table["registers"] if r["name"] == "THRESHOLD")["fields"][0]
    assert threshold["reset"] == plan.network.verify_threshold


def test_a_core_is_described_by_what_it_has():
    network = random_network()
    slotted = make_plan(network, slots=network.references.counts.shape[0], step_timer=1000)
    assert core_registers(slotted) == REGISTERS
    untimed = core_registers(make_plan(network, slots=slotted.slots))
    assert {r.name for r in REGISTERS} - {r.name for r in untimed} == {
        "STEP_TIMER",
        "STEP_CLOCKS",
        "STEP_LOSSES",
    }
    fixed = {r.name: {f.name for f in r.fields} for r in core_registers(make_plan(network))}
    assert "references" in fixed["FRAME"] and "slots" not in fixed["FEATURES"] and "COMMAND" not in fixed
    plan = make_plan(counting(network))
    for text in (json.dumps(registers_json(plan)), registers_markdown(plan), registers_header(plan)):
        for word in ("slot", "reference", "staged", "STAGE", "COMMIT", "COMMAND"):
            assert word not in text, word
    # What is left out reads as zero in any core, or as the constant that says so.
    assert {constants(plan)[key] for key in ("FRAME.references", "FEATURES.slots")} == {0}
