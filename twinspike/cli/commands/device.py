"""`device`: a board on a serial port, or one in simulation."""

from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import BOARD_NAMES, Baud, Board, Config, Out, number, one_of, parse_real

# Each is a function of twinspike/boards/device.py.
ACTIONS = ("info", "classify", "enrol", "verify", "check", "bench", "load")
HIGHEST = 1 << 31


@command("device")
def device(
    action: Annotated[str, typer.Argument(metavar="ACTION", help=", ".join(ACTIONS), parser=one_of(ACTIONS))],
    port: Annotated[
        str,
        typer.Option("--port", help="serial port, such as /dev/ttyUSB1 or COM3, or spi:///dev/spidev0.0"),
    ],
    config: Config = "digits",
    out: Out = "build",
    baud: Baud = 3_000_000,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="S",
            parser=parse_real,
            help="seconds until a request is sent again; a slow simulation may need more",
        ),
    ] = 1.0,
    board: Board = BOARD_NAMES[0],
    frames: Annotated[int, number("--frames", "N", "test images")] = 100,
    image: Annotated[int, number("--image", "N", "the first test image", -HIGHEST, HIGHEST)] = 0,
    slot: Annotated[int, number("--slot", "K", "reference slot", -HIGHEST, HIGHEST)] = 0,
    label: Annotated[int, number("--label", "L", "label to enrol", -HIGHEST, HIGHEST)] = 0,
    pixels: Annotated[bool, typer.Option("--pixels", help="send raw pixels: the chip encodes them")] = False,
) -> int:
    """Talk to a board: info, classify, enrol, verify, check, bench, load.

    On a serial port, or in simulation: twinspike sim-board --serve prints its port.

    Such as, each with --port /dev/ttyUSB1 and --config mnist:
      twinspike device info
      twinspike device classify --frames 100
      twinspike device enrol --slot 10 --label 42 --image 7
      twinspike device verify --slot 10 --frames 20
      twinspike device check
      twinspike device bench --frames 2000

    The actions:
      info      what the core is, and how it does
      classify  the nearest reference of images, with the share of right ones
      enrol     make a test image the reference of a slot
      verify    whether test images are the same as a slot's reference
      check     compare the above with the golden model
      bench     images per second at the link and at the core, and their bound
      load      send the weight image (of --board) to a core that loads it
    """
    from twinspike.boards import device as steps
    from twinspike.flow.folders import opened

    chosen, place = opened(config, out)
    request = steps.Request(port, baud, timeout, board, frames, image, slot, label, pixels)
    return 0 if getattr(steps, action)(chosen, place, request) else 1
