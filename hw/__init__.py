"""Amaranth components of the core, RTL emission, synthesis, devices."""
