"""A core behind AXI4-Lite or Wishbone: registers, raw pixels, frames and what the host reads back."""
