"""IP packages of small networks, and make in them."""

import os
import subprocess

import numpy as np

from twinspike.hw.emit.names import USUAL
from twinspike.ip.package import write_ip


def package(plan, out, frames=4, names=USUAL):
    spikes = np.random.default_rng(0).random((plan.network.timesteps, frames, plan.network.inputs)) < 0.5
    return write_ip(plan, spikes, np.arange(frames), out, names=names)


def make(where, *arguments, environment=None):
    done = subprocess.run(
        ["make", "-C", str(where), *arguments],
        capture_output=True, text=True, check=False,
        # A parent make exports SIM, empty where the user gave none.
        env={**(environment or os.environ), "SIM": ""}, timeout=500,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
