"""OrangeCrab 0.2, 25F."""

from ..description import Board

BOARD = Board(
    name="orangecrab",
    title="OrangeCrab 0.2, 25F",
    platform="orangecrab_r0_2.OrangeCrabR0_2_25FPlatform",
    target="ecp5-25k",
    part=("--25k", "--package", "CSFBGA285", "--speed", "8"),
    clock="clk",
    clock_mhz=96.0,
    lights=(
        ("ready", "rgb_led", 0, "g"),
        ("active", "rgb_led", 0, "b"),
    ),
    uart=("N17", "M18"),
    io=(("IO_TYPE", "LVCMOS33"),),
    loader=("-b", "orangeCrab", "--dfu"),
    line="a 3.3 V USB serial adapter: its TX to pin 0, its RX to pin 1, and GND",
    buffer_bytes=2048,
    free_slots=6,
)
