"""`device`: a board on a serial port, or one in simulation."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import BOARD_NAMES, Baud, Board, Config, Out, number, one_of, parse_real

# Each is a function of twinspike/boards/device.py.
ACTIONS = ("info", "classify", "stream", "enrol", "verify", "check", "bench", "load")
HIGHEST = 1 << 31
MOST_DIGITS = 11


def _chosen(image: str, wav: Path | None, events: Path | None) -> tuple[int, Path | None]:
    """The number of the first test image, and the file that takes its place, if any."""
    numbered = image.removeprefix("-").isdecimal() and len(image) <= MOST_DIGITS
    files = [file for file in (None if numbered else Path(image), wav, events) if file]
    if len(files) > 1:
        raise typer.BadParameter("one file at a time: --image, --wav, --events or a recording to stream")
    return int(image) if numbered else 0, files[0] if files else None


@command("device")
def device(
    action: Annotated[str, typer.Argument(metavar="ACTION", help=", ".join(ACTIONS), parser=one_of(ACTIONS))],
    port: Annotated[
        str,
        typer.Option("--port", help="serial port, such as /dev/ttyUSB1 or COM3, or spi:///dev/spidev0.0"),
    ],
    recording: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="the recording that stream replays")
    ] = None,
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
    image: Annotated[
        str, typer.Option("--image", metavar="N|FILE", help="the first test image, or a picture of your own")
    ] = "0",
    wav: Annotated[Path | None, typer.Option("--wav", metavar="FILE", help="a sound of your own")] = None,
    events: Annotated[
        Path | None, typer.Option("--events", metavar="FILE", help="a recording of your own")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            metavar="X",
            parser=parse_real,
            help="stream so many times as fast; 0: as the link takes",
        ),
    ] = 1.0,
    check: Annotated[
        bool, typer.Option("--check", help="stream: compare each answer with the golden model's")
    ] = False,
    timer: Annotated[
        bool, typer.Option("--timer", help="stream: events alone, the device's step timer makes the TICKs")
    ] = False,
    slot: Annotated[int, number("--slot", "K", "reference slot", -HIGHEST, HIGHEST)] = 0,
    label: Annotated[int, number("--label", "L", "label to enrol", -HIGHEST, HIGHEST)] = 0,
    pixels: Annotated[bool, typer.Option("--pixels", help="send raw pixels: the chip encodes them")] = False,
) -> int:
    """Talk to a board: info, classify, stream, enrol, verify, check, bench, load.

    On a serial port, or in simulation: twinspike sim-board --serve prints its port.

    Such as, each with --port /dev/ttyUSB1 and --config mnist:
      twinspike device info
      twinspike device classify --frames 100
      twinspike device classify --image photo.png
      twinspike device stream recording.aedat4 --check
      twinspike device enrol --slot 10 --label 42 --image 7
      twinspike device verify --slot 10 --frames 20
      twinspike device check
      twinspike device bench --frames 2000

    A file of your own takes the place of test images: --image FILE.png, --wav FILE.wav or --events FILE, read
    as the files of a dataset are, and encoded by the network's own encoder.

    stream replays a recording at its own pace and prints an answer for each frame as they come; what is
    longer than a frame becomes several, one behind the other. --speed 10 is ten times as fast, --speed 0 as
    fast as the link takes events. The host makes the TICKs, so the answers are the golden model's for the
    same recording, whatever the pace; --check says so for each. With --timer events go out alone, and the
    step timer of the device (hardware.step_timer) makes the TICKs: its clock says which step each is in.

    The actions:
      info      what the core is, and how it does
      classify  the nearest reference of images, with the share of right ones
      stream    answers to a recording, frame by frame
      enrol     make an image, or a file, the reference of a slot
      verify    whether images, or a file, are the same as a slot's reference
      check     compare classify, enrol and verify with the golden model
      bench     images per second at the link and at the core, and their bound
      load      send the weight image (of --board) to a core that loads it
    """
    from twinspike.boards import device as steps
    from twinspike.flow.folders import opened

    chosen, place = opened(config, out)
    number_of, file = _chosen(image, wav, events or recording)
    request = steps.Request(
        port, baud, timeout, board, frames, number_of, slot, label, pixels, file, speed, check, timer
    )
    return 0 if getattr(steps, action)(chosen, place, request) else 1
