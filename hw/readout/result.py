"""The record that every frame ends with."""

from amaranth.lib import data

RESULT = data.StructLayout({"distance": 32, "runner_up": 32, "label": 16, "same": 1, "own": 1})
