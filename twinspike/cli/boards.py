"""The command line of boards: `bitstream`, `flash`, `sim-board` and `device`."""

import argparse
from collections.abc import Callable
from pathlib import Path

STEPS = ("bitstream", "flash", "sim-board", "device")
ACTIONS = {
    "info": "what the core is, and how it does",
    "classify": "the nearest reference of test images, with the share of right ones",
    "enrol": "make a test image the reference of a slot",
    "verify": "whether test images are the same as a slot's reference",
    "check": "compare classify, embed, enrol and verify with the golden model",
    "bench": "images a second at the link and at the core, and what bounds them",
    "load": "send the weight image to a core that loads its weights",
}
_DEVICE = """\
Talks to a board on a serial port, or to one in simulation (`twinspike sim-board --serve` prints its port):

  twinspike device info     --port /dev/ttyUSB1
  twinspike device classify --port /dev/ttyUSB1 --config mnist --frames 100
  twinspike device enrol    --port /dev/ttyUSB1 --config mnist --slot 10 --label 42 --image 7
  twinspike device verify   --port /dev/ttyUSB1 --config mnist --slot 10 --frames 20
  twinspike device check    --port /dev/ttyUSB1 --config mnist
  twinspike device bench    --port /dev/ttyUSB1 --config mnist --frames 2000

"""


def add_steps(
    step: Callable[..., argparse.ArgumentParser],
    positive: Callable[[str], int],
    seeds: Callable[[str], list[int]],
) -> None:
    """Add the steps through `step(name, help, more)`; the others parse and list option values."""
    from twinspike.hw.settings import BOARD_NAMES

    names = list(BOARD_NAMES)
    bitstream = step(
        "bitstream", "build the bitstream and flash image of a board, with its timing met",
        "Writes boards/<board>/: bitstream, flash.bin with the weights where the core loads them, pins.md, "
        "board.json with timing and utilisation. Ends with an error that states the slack if no seed meets "
        "the board's clock.",
    )  # fmt: skip
    bitstream.add_argument("--seeds", type=seeds, default=[1, 2, 3], metavar="1,2,3", help="placer seeds")
    bitstream.add_argument(
        "--jobs", type=positive, default=2, metavar="N", help="nextpnr runs at a time (default: 2)"
    )
    bitstream.add_argument(
        "--results", type=Path, metavar="DIR", help="also put the figures into boards.json of this folder"
    )
    flash = step("flash", "write a board's bitstream (and weights) into its flash with openFPGALoader")
    for made in (bitstream, flash):
        made.add_argument("--board", choices=names, default=names[0], help=f"default: {names[0]}")
    simulated = step(
        "sim-board", "run a board in simulation behind a pseudo-terminal and check it as hardware",
        "The whole board, UART pins, flash and all, in Verilator. Classifies, embeds, enrols and verifies "
        "test images over the serial port and compares every answer with the golden model; ends with "
        "status 1 at any difference. Then measures images a second, in the simulated clock.",
    )  # fmt: skip
    simulated.add_argument("--board", choices=names, default=names[0], help=f"default: {names[0]}")
    simulated.add_argument(
        "--frames", type=positive, default=100, metavar="N", help="test images (default: 100)"
    )
    simulated.add_argument(
        "--serve", action="store_true", help="no check: print the port and run until Ctrl-C"
    )

    simulated.add_argument(
        "--results", type=Path, metavar="DIR", help="also put the figures into sim_board.json of this folder"
    )

    device = step("device", "talk to a board: info, classify, enrol, verify, check, bench, load")
    device.description = _DEVICE + "\n".join(f"  {name:9} {text}" for name, text in ACTIONS.items())
    device.formatter_class = argparse.RawDescriptionHelpFormatter
    device.add_argument("action", choices=list(ACTIONS), metavar="ACTION", help=", ".join(ACTIONS))
    device.add_argument(
        "--port", required=True, help="serial port, such as /dev/ttyUSB1 or COM3, or spi:///dev/spidev0.0"
    )
    for lined in (bitstream, simulated, device):
        lined.add_argument(
            "--baud", type=_baud, default=3_000_000, metavar="N", help="or hertz by SPI; default: 3000000"
        )
    for made in (bitstream, simulated):
        made.add_argument(
            "--link", choices=("uart", "spi"), default="uart", help="what the host is connected by"
        )
    device.add_argument(
        "--timeout", type=float, default=1.0, metavar="S",
        help="seconds until a request is sent again (default: 1; a slow simulation may need more)",
    )  # fmt: skip
    device.add_argument("--board", choices=names, default=names[0], help=f"for load (default: {names[0]})")
    device.add_argument(
        "--frames", type=positive, default=100, metavar="N", help="test images (default: 100)"
    )
    device.add_argument("--image", type=int, default=0, metavar="N", help="the first test image (default: 0)")
    device.add_argument("--slot", type=int, default=0, metavar="K", help="reference slot (default: 0)")
    device.add_argument("--label", type=int, default=0, metavar="L", help="label to enrol (default: 0)")
    device.add_argument("--pixels", action="store_true", help="send raw pixels: the chip encodes them")


def _baud(text: str) -> int:
    if not text.isdecimal() or not 300 <= int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer in 300..100000000")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Run one of the steps; raises TwinspikeError."""
    from twinspike.boards import steps as board_steps
    from twinspike.config import load_config
    from twinspike.flow.folders import folders

    config = load_config(options.config)
    place = folders(options.out, config.name)
    match options.step:
        case "bitstream":
            board_steps.bitstream(
                config, place, options.board,
                baud=options.baud, line=options.link, seeds=options.seeds, jobs=options.jobs,
                results=options.results,
            )  # fmt: skip
        case "flash":
            board_steps.flash(place, options.board)
        case "sim-board":
            if options.serve:
                board_steps.serve(config, place, options.board, options.baud, options.link)
            else:
                good = board_steps.simulate(
                    config, place, options.board, options.frames,
                    baud=options.baud, line=options.link, results=options.results,
                )  # fmt: skip
                return 0 if good else 1
        case "device":
            from twinspike.boards import device as device_steps

            return 0 if device_steps.ACTIONS[options.action](config, place, options) else 1
    return 0
