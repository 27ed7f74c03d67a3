# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # For an FPGA engineer: from a network to Verilog that is checked
#
# A small network stands in for somebody else's: `ts.load("theirs.safetensors")` takes a file.

# %%
import numpy as np
from sklearn.datasets import load_digits

import twinspike as ts

digits = load_digits()
images = (digits.images * 15.9375).astype(np.uint8)
net = ts.train(
    {
        "timesteps": 8,
        "layers": [{"neurons": 24}, {"neurons": 12}],
        "training": {"epochs": 6, "learning_rate": 0.01, "batch_size": 64},
    },
    (images, digits.target),
    name="engineer",
)
x, _ = net.test_images(40)

# %% [markdown]
# ## What would it take on a device?
#
# The planner chooses lanes by what real images cost: few clocks, or few logic cells. Clocks are exact, cells
# are estimated.

# %%
for goal in ("latency", "area"):
    core = net.core("up5k", goal, images=x)
    found = core.prediction
    print(
        f"{goal}: lanes {found.lanes}, {found.latency_cycles:,.0f} clocks per image, about "
        f"{found.logic_cells:,} logic cells, {found.ram_blocks} block RAMs"
    )

# %% [markdown]
# ## Verilog, and a simulation that compares everything
#
# Images back to back, alone, and under random back-pressure: every spike of every layer, every result and
# every clock is held against the golden model.

# %%
core = net.core()
folder = core.verilog("engineer-core")
print(sorted(path.name for path in folder.iterdir()))
run = core.simulate(x)
print(f"{run.spikes_compared:,} spikes compared, {run.mismatches} differ")
print(f"clocks per image: {run.cycles('latency'):g} alone, {run.cycles('interval'):g} back to back")
assert run.exact

# %% [markdown]
# ## A package for your own design
#
# Stream, AXI4-Lite and Wishbone tops, registers, benches with golden vectors for plain simulators, a FuseSoC
# core file, a data sheet. It needs no Python: `make -C engineer-ip/tb` checks it.

# %%
package, tops = core.package("engineer-ip", frames=5, name="digits_core")
print(package, tops)
assert (package / "README.md").is_file()

# %% [markdown]
# Placing and routing takes minutes: `net.core("up5k").synthesise(seeds=[1, 2, 3])` gives logic cells, block
# RAMs and the clock of each seed.
