"""`device`: a board on a serial port, or one in simulation."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import BOARD_NAMES, Baud, Board, Config, Out, number, one_of, parse_real
from twinspike.hw.settings import MAX_SLOTS
from twinspike.numerics.commands import NO_LABEL

# Each is a function of twinspike/boards/device.py, or one of twinspike/boards/enrolment.py.
SLOT_ACTIONS = {"list": "listing", "enrol": "enrol", "clear": "clear"}
ACTIONS = ("info", "classify", "stream", *SLOT_ACTIONS, "verify", "check", "bench", "load")
MOST_DIGITS = 11
FIRST = "0"  # the test image that is taken where none is named


def _chosen(
    image: list[str], wav: list[Path], events: list[Path], recording: Path | None
) -> tuple[tuple[int, ...], tuple[Path, ...]]:
    """The numbers of test images, and the files that take their place, if any."""
    numbers, files = [], []
    for each in image:
        if each.removeprefix("-").isdecimal() and len(each) <= MOST_DIGITS:
            numbers.append(int(each))
        else:
            files.append(Path(each))
    kinds = [kind for kind in (files, wav, events, [recording] if recording else []) if kind]
    if len(kinds) > 1 or (kinds and numbers and image != [FIRST]):
        raise typer.BadParameter(
            "one kind of input: numbers or files of --image, --wav, --events or a recording"
        )
    return tuple(numbers) or (0,), tuple(kinds[0]) if kinds else ()


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
        list[str],
        typer.Option("--image", metavar="N|FILE", help="the first test image, or a picture of your own"),
    ] = [FIRST],  # noqa: B006
    wav: Annotated[list[Path], typer.Option("--wav", metavar="FILE", help="a sound of your own")] = [],  # noqa: B006
    events: Annotated[
        list[Path], typer.Option("--events", metavar="FILE", help="a recording of your own")
    ] = [],  # noqa: B006
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
    slot: Annotated[
        int | None,
        number("--slot", "K", "reference slot; enrol: a free one if none is named", 0, MAX_SLOTS - 1),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="enrol, clear: give up what the slot holds without asking")
    ] = False,
    copies: Annotated[
        int, number("--copies", "N", "enrol: so many distorted copies of each image are examples, too", 0, 64)
    ] = 0,
    label: Annotated[int, number("--label", "L", "label to enrol", 0, NO_LABEL - 1)] = 0,
    pixels: Annotated[bool, typer.Option("--pixels", help="send raw pixels: the chip encodes them")] = False,
) -> int:
    """Talk to a board: info, classify, stream, list, enrol, clear, verify, check, bench, load.

    On a serial port, or in simulation: twinspike sim-board --serve --port board makes ./board one.

    Such as, each with --port /dev/ttyUSB1 and --config mnist:
      twinspike device info
      twinspike device classify --frames 100
      twinspike device classify --image photo.png
      twinspike device stream recording.aedat4 --check
      twinspike device list
      twinspike device enrol --label 42 --image 7
      twinspike device enrol --label 43 --image a.png --image b.png --image c.png
      twinspike device enrol --label 44 --image a.png --copies 24
      twinspike device verify --slot 10 --frames 20
      twinspike device check
      twinspike device bench --frames 2000

    A file of your own takes the place of test images: --image FILE.png, --wav FILE.wav or --events FILE, read
    as the files of a dataset are, and encoded by the network's own encoder. enrol takes several of a kind:
    the median of what the chip answers to them becomes the reference, which is nearest to all. Of a single
    picture --copies 24 makes more examples: it is turned, sized, moved and sheared a little.

    stream replays a recording at its own pace and prints an answer for each frame as they come; what is
    longer than a frame becomes several, one behind the other. --speed 10 is ten times as fast, --speed 0 as
    fast as the link takes events. The host makes the TICKs, so the answers are the golden model's for the
    same recording, whatever the pace; --check says so for each. With --timer events go out alone, and the
    step timer of the device (hardware.step_timer) makes the TICKs: its clock says which step each is in.

    The actions:
      info      what the core is, and how it does
      classify  the nearest reference of images, with the share of right ones
      stream    answers to a recording, frame by frame
      list      what each slot holds
      enrol     make images, or files, the reference of a free slot, or of --slot
      clear     empty a slot
      verify    whether images, or a file, are the same as a slot's reference
      check     compare classify, enrol and verify with the golden model
      bench     images per second at the link and at the core, and their bound
      load      send the weight image (of --board) to a core that loads it
    """
    from twinspike.boards import device as steps
    from twinspike.boards import enrolment
    from twinspike.boards.request import Request
    from twinspike.flow.folders import opened

    chosen, place = opened(config, out)
    numbers, files = _chosen(image, wav, events, recording)
    request = Request(
        port,
        baud,
        timeout,
        board,
        frames,
        numbers,
        slot,
        label,
        pixels,
        files,
        speed,
        check,
        timer,
        replace,
        copies,
    )
    act = getattr(enrolment, SLOT_ACTIONS[action]) if action in SLOT_ACTIONS else getattr(steps, action)
    return 0 if act(chosen, place, request) else 1
