"""iCEBreaker."""

from ..description import Board

BOARD = Board(
    name="icebreaker",
    title="iCEBreaker",
    platform="icebreaker.ICEBreakerPlatform",
    target="up5k",
    part=("--up5k", "--package", "sg48"),
    clock="clk12",
    clock_mhz=36.0,
    pll_pad=True,
    lights=(("ready", "led_g", 0, ""), ("active", "led_r", 0, "")),
    loader=("-b", "icebreaker"),
    line="the second serial port of its USB socket",
    spi=("4", "45", "2", "47"),
    io=(("IO_STANDARD", "SB_LVCMOS"),),
    lanes=(4, 2),
    flash_offset=0x10_0000,
    free_slots=4,
)
