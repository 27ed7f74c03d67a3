"""The same configuration and seed give the same bytes: in another process, folder and order of hashes."""

import json
import os
import subprocess
import sys

from crashes import contents

TOML = """\
dataset = "digits"
seed = 7
timesteps = 4
[[layers]]
neurons = 16
state_bits = 8
[[layers]]
neurons = 8
[training]
epochs = 1
batch_size = 100
learning_rate = 0.005
[hardware]
lanes = [4, 2]
"""
SYNTHESISE = """\
import sys
from pathlib import Path
from twinspike.hw.devices import device
from twinspike.hw.tools.process import run_tool
from twinspike.hw.tools.synthesis import script
from twinspike.hw.tools.toolchain import find_yosys
out = Path(sys.argv[1])
(out / "synth.ys").write_text(script("rtl/harness.il", "harness", device("up5k")))
run_tool(find_yosys(), ["-s", "synth.ys"], out, out / "yosys.log")
"""


def test_network_rtl_memories_and_netlist_are_a_function_of_the_configuration(tmp_path):
    runs = []
    for index, seed in enumerate(("0", "12345")):
        home = tmp_path / ("here" if index else "a much longer path") / "work"
        home.mkdir(parents=True)
        (home / "tiny.toml").write_text(TOML)
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"}
        commands = [
            ["-m", "twinspike.cli", "train", "--config", "tiny.toml"],
            ["-m", "twinspike.cli", "rtl", "--config", "tiny.toml"],
            ["-c", SYNTHESISE, "build/tiny"],
        ]
        for command in commands:
            done = subprocess.run(
                [sys.executable, *command], cwd=home, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
        runs.append(home / "build" / "tiny")
    first, second = (contents(run) for run in runs)
    # Times are all that may differ, and they stand in these files alone.
    timed = {"metrics.json", "checkpoint.safetensors", "yosys.log"}
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} <= timed
    assert {"network.safetensors", "train.jsonl", "rtl/twinspike_core.v", "rtl/harness.il"} <= first.keys()
    assert any(name.endswith(".mem") for name in first)
    cells = json.loads(first["cells.json"])["design"]["num_cells_by_type"]
    assert cells["SB_LUT4"] > 100
    metrics = [json.loads(run["metrics.json"]) for run in (first, second)]
    for each in metrics:
        del each["train_seconds"], each["train_cpu_seconds"]
    assert metrics[0] == metrics[1]
