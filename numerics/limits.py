"""Limits that need no numpy to know them: the command line's help names some."""

# With any readout but EMD, whose counts and references allow 255 (quant/network.py).
MAX_TIMESTEPS = 1023
