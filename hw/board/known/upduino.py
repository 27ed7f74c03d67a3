"""UPduino 3.x."""

from ..description import Board

BOARD = Board(
    name="upduino",
    title="UPduino 3.x",
    platform="upduino_v3.UpduinoV3Platform",
    target="up5k",
    part=("--up5k", "--package", "sg48"),
    clock="clk12",
    clock_mhz=36.0,
    lights=(),
    uart=("28", "38"),
    io=(("IO_STANDARD", "SB_LVCMOS"),),
    loader=("-b", "upduino3"),
    line="a 3.3 V USB serial adapter: its TX to pin 28, its RX to pin 38, and GND",
    lanes=(4, 2),
    flash_offset=0x10_0000,
    free_slots=4,
)
