"""The external tools, where they come from and how they are run: yosys, nextpnr, simulators."""
