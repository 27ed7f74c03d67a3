"""Golden model and cocotb benches: what the RTL is held against."""
