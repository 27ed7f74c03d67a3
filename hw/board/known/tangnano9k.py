"""Tang Nano 9K."""

from ..description import Board

BOARD = Board(
    name="tangnano9k",
    title="Tang Nano 9K",
    platform="tang_nano_9k.TangNano9kPlatform",
    target="gw1n-9c",
    part=("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"),
    clock="clk27",
    clock_mhz=27.0,
    lights=(("ready", "led", 0, ""), ("active", "led", 1, "")),
    loader=("-b", "tangnano9k"),
    line="the second serial port of its USB socket",
    lanes=(8, 4),
    pack=("-d", "GW1N-9C"),
)
