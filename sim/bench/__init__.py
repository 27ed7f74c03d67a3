"""Generated Verilog against the golden model, in Verilator or Icarus."""
