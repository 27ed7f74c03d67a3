"""ULX3S-85F."""

from ..description import Board

BOARD = Board(
    name="ulx3s",
    title="ULX3S-85F",
    platform="ulx3s.ULX3S_85F_Platform",
    target="ecp5-85k",
    part=("--85k", "--package", "CABGA381", "--speed", "6"),
    clock="clk25",
    clock_mhz=100.0,
    lights=(("ready", "led", 0, ""), ("active", "led", 1, "")),
    loader=("-b", "ulx3s"),
    line="the serial port of its USB socket US1",
    buffer_bytes=4096,
    free_slots=32,
)
