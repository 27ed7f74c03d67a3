"""The commands: a function decorated with `command` is one, wherever it stands in these files.

A new command is a function in one of them, or in a new file that is named here.
"""

# In the order in which `twinspike --help` lists what they declare.
FILES = (
    "train",
    "rtl",
    "sim",
    "synth",
    "report",
    "ip",
    "boards",
    "device",
    "predict",
    "exchange",
    "explore",
    "golden",
    "doctor",
    "data",
    "study",
    "calibrate",
    "bench_hw",
    "flows",
    "netlist",
    "fuzz",
    "docs",
)
