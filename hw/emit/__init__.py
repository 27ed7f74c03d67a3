"""From a plan to files: Verilog, RTLIL, memory images and the description of the ports."""
