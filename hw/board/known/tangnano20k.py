"""Tang Nano 20K, with a platform of its own: amaranth-boards has none."""

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import GowinPlatform
from amaranth_boards.resources import ButtonResources, LEDResources, UARTResource

from ..description import Board

_IO = Attrs(IO_TYPE="LVCMOS33")


class TangNano20kPlatform(GowinPlatform):
    """Clock, buttons, lights and serial line, as on Sipeed's schematic."""

    part = "GW2AR-LV18QN88C8/I7"
    family = "GW2AR-18C"
    default_clk = "clk27"
    resources = (
        Resource("clk27", 0, Pins("4", dir="i"), Clock(27e6), _IO),
        *ButtonResources(pins="88 87", attrs=_IO),
        *LEDResources(pins="15 16 17 18 19 20", invert=True, attrs=_IO),
        UARTResource(0, rx="70", tx="69", attrs=Attrs(PULL_MODE="UP", IO_TYPE="LVCMOS33")),
    )
    connectors = ()


BOARD = Board(
    name="tangnano20k",
    title="Tang Nano 20K",
    platform=TangNano20kPlatform,
    target="gw2a-18c",
    part=("--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C"),
    clock="clk27",
    clock_mhz=54.0,
    lights=(("ready", "led", 0, ""), ("active", "led", 1, "")),
    loader=("-b", "tangnano20k"),
    line="the second serial port of its USB socket",
    lanes=(8, 4),
    buffer_bytes=4096,
    free_slots=6,
    pack=("-d", "GW2A-18C"),
)
