"""The simulators that a bench runs in."""

from ...hw.tools.toolchain import Tool, find_icarus, find_verilator
from ...numerics.errors import out_of_range

SIMULATORS = ("verilator", "icarus")


def find_simulator(name: str) -> Tool:
    """The simulator called `name`; raises TwinspikeError if it is unknown, missing or too old."""
    if name not in SIMULATORS:
        raise out_of_range("SIM", name, "one of " + ", ".join(SIMULATORS))
    return find_verilator() if name == "verilator" else find_icarus()
