import re
import shutil

import pytest
from support.conv_cores import conv_network
from support.networks import random_network

from twinspike.hw.devices import DEVICES
from twinspike.hw.emit.emit import harness_rtlil
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.placement import Stored, memory_bits, place, placed, ram_blocks, stored
from twinspike.hw.tools.process import run_tool
from twinspike.hw.tools.synthesis import GOWIN_RAMS, script
from twinspike.hw.tools.toolchain import find_yosys

MAPPED = re.compile(r"mapping memory harness\.core\.(\S+) via \$__(\w+)")
LOWERED = re.compile(r"using FF mapping for memory harness\.core\.(\S+)")


CORES = [
    ("up5k", {"lanes": (4, 2)}),
    ("up5k", {"lanes": (16, 4)}),
    ("ecp5-25k", {"lanes": (4, 2)}),
    ("ecp5-25k", {"lanes": (1, 1)}),
    ("ecp5-85k", {"events_per_clock": (2, 2)}),
    ("up5k", {"lanes": (4, 2), "slots": 5}),
    ("ecp5-25k", {"lanes": (4, 2), "slots": 5}),
    ("ecp5-85k", {"lanes": (4, 2), "slots": 30}),
    ("gw1n-9c", {"lanes": (4, 2)}),
    ("gw2a-18c", {"lanes": (1, 1), "slots": 5}),
]


@pytest.mark.parametrize(("target", "choice"), CORES)
def test_every_memory_lies_where_yosys_puts_it(tmp_path, target, choice):
    network = random_network(3, shape=(96,), widths=(64, 12), timesteps=5, state_bits=8)
    assert_placed(make_plan(network, target=target, **choice), tmp_path)


@pytest.mark.parametrize("target", ["up5k", "ecp5-25k"])
def test_so_does_every_memory_of_convolutions(tmp_path, target):
    """One sweeps every word, one what was reached, one of those with backgrounds; weights in SPRAM too."""
    spec = {"weight_bits": 4, "state_bits": 8}
    convs = [
        (8, (3, 3), {"stride": (2, 2)}, spec | {"biases": "none"}),
        (32, (3, 3), {"padding": (1, 1)}, spec | {"biases": "low", "leak_shift": 2}),
        (16, (3, 3), {"stride": (2, 2)}, spec),
    ]
    plan = make_plan(conv_network(1, (21, 21, 1), 6, convs, 10), (8, 8, 4, 2), target)
    assert [layer.sweeps_reached for layer in plan.layers] == [True, True, False, False]
    assert plan.loads == (target == "up5k")
    assert_placed(plan, tmp_path)


def test_so_do_those_of_a_map_that_leaves_lanes_without_neurons(tmp_path):
    convs = [(24, (3, 3), {"stride": (2, 2)}, {"weight_bits": 4, "state_bits": 8})]
    plan = make_plan(conv_network(1, (29, 29, 1), 6, convs, 10), (32, 2), "ecp5-25k")
    assert plan.layers[0].used_lanes == 24
    (queue,) = (memory for memory in stored(plan) if memory.name == "queue0.memory")
    assert place(queue, "ecp5") == ("block", 1)  # of 36 bits, with the lanes' 24
    assert_placed(plan, tmp_path)


def assert_placed(plan, tmp_path):
    target = plan.target
    architecture = DEVICES[target].architecture
    (tmp_path / "core.il").write_text(harness_rtlil(plan))
    commands = script("core.il", "harness", DEVICES[target]).replace("-json netlist.json", "-run :map_gates")
    if architecture == "gowin":
        commands = commands.replace("-run :map_gates -run", "-run")
        commands = commands.replace("map_ffram:", "map_ffram:map_gates")
        shutil.copy(GOWIN_RAMS, tmp_path)
    (tmp_path / "synth.ys").write_text(commands[: commands.index("write_verilog")])
    run_tool(find_yosys(), ["-s", "synth.ys"], tmp_path, tmp_path / "yosys.log")
    log = (tmp_path / "yosys.log").read_text()
    lut_ram = ("DPR", "LUTRAM")
    found = {
        name: "lut ram" if any(part in kind for part in lut_ram) else "block"
        for name, kind in MAPPED.findall(log)
    }
    found |= dict.fromkeys(LOWERED.findall(log), "logic")
    expected = {memory.name: place(memory, architecture)[0] for memory in stored(plan)}
    logic = {"tables": "logic", "registers": "logic"}
    assert found == {name: logic.get(kind, kind) for name, kind in expected.items()}


def test_memories_and_blocks_of_a_small_core():
    network = random_network(1, shape=(64,), widths=(96, 24), timesteps=8, state_bits=8)
    plan = make_plan(network, (8, 4), "up5k")
    found = {memory.name: memory for memory in stored(plan)}
    assert (
        found["layer0.synapses.memory.weights_0"].depth,
        found["layer0.synapses.memory.weights_0"].width,
    ) == (512, 32)
    assert found["layer0.synapses.memory.weights_1"].depth == 256
    assert found["readout.references.table"].depth == 8 * 32
    assert memory_bits(plan) == sum(memory.bits for memory in found.values())
    assert (
        ram_blocks(plan)
        == placed(plan)["block"]
        == sum(
            amount
            for kind, amount in (place(memory, "ice40") for memory in found.values())
            if kind == "block"
        )
    )


@pytest.mark.parametrize(
    ("memory", "ice40", "ecp5"),
    [
        (Stored("state", 4, 144), ("registers", 576), ("lut ram", 36)),
        (Stored("state", 5, 144), ("block", 9), ("lut ram", 36)),
        (Stored("state", 80, 9), ("block", 1), ("lut ram", 15)),
        (Stored("queue", 128, 9), ("block", 1), ("block", 1)),
        (Stored("queue", 1024, 12), ("block", 3), ("block", 1)),
        (Stored("weights", 512, 32, "rom"), ("block", 4), ("block", 1)),
        (Stored("weights", 64, 16, "rom"), ("tables", 64), ("tables", 64)),
        (Stored("labels", 1000, 16, "tables"), ("tables", 1008), ("tables", 1008)),
        (Stored("small", 100, 8, asked="registers"), ("registers", 800), ("registers", 800)),
    ],
)
def test_the_cheapest_place_is_taken(memory, ice40, ecp5):
    assert place(memory, "ice40") == ice40 and place(memory, "ecp5") == ecp5


def test_lut_ram_that_is_used_in_part_is_cheaper_on_gowins_devices():
    assert place(Stored("queue", 128, 9), "gowin") == ("lut ram", 24)
    assert place(Stored("queue", 128, 12), "gowin") == place(Stored("queue", 128, 12), "ecp5") == ("block", 1)
