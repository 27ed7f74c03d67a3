"""`bitstream`, `flash` and `sim-board`: boards, and boards in simulation."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import (
    BOARD_NAMES,
    USUAL_SEEDS,
    Baud,
    Board,
    Config,
    Jobs,
    Link,
    Out,
    PlacerSeeds,
    number,
)

UART_BAUD = 3_000_000


@command("bitstream")
def bitstream(
    config: Config = "digits",
    out: Out = "build",
    board: Board = BOARD_NAMES[0],
    link: Link = "uart",
    baud: Baud = UART_BAUD,
    seeds: PlacerSeeds = USUAL_SEEDS,
    jobs: Jobs = 2,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="DIR", help="also put the figures into boards.json of this folder"),
    ] = None,
) -> None:
    """Build the bitstream and flash image of a board, with its timing met.

    Writes boards/<board>/: bitstream, flash.bin with the weights where the core loads them, pins.md,
    board.json with timing and utilisation. Ends with an error that states the slack if no seed meets
    the board's clock.
    """
    from twinspike.boards import steps
    from twinspike.cli.closing import then, wrote
    from twinspike.flow.folders import opened

    chosen, place = opened(config, out)
    steps.bitstream(chosen, place, board, baud=baud, line=link, seeds=list(seeds), jobs=jobs, results=results)
    wrote(
        steps.folder(place, board),
        "bitstream, board.json, pins.md, logs",
        next=then("flash", chosen, place, "--board", board),
    )


@command("flash")
def flash(config: Config = "digits", out: Out = "build", board: Board = BOARD_NAMES[0]) -> None:
    """Write a board's bitstream (and weights) into its flash with openFPGALoader."""
    from twinspike.boards import steps
    from twinspike.cli.closing import then
    from twinspike.flow.folders import opened

    chosen, place = opened(config, out)
    steps.flash(chosen, place, board)
    print(f"next: {then('device', chosen, place, '--board', board)} --port PORT info")


@command("sim-board")
def sim_board(
    config: Config = "digits",
    out: Out = "build",
    board: Board = BOARD_NAMES[0],
    link: Link = "uart",
    baud: Baud = UART_BAUD,
    frames: Annotated[int, number("--frames", "N", "test images")] = 100,
    serve: Annotated[
        bool, typer.Option("--serve", help="no check: print the port and run until Ctrl-C")
    ] = False,
    port: Annotated[
        Path | None,
        typer.Option("--port", metavar="FILE", help="with --serve: this becomes a link to the port"),
    ] = None,
    stream: Annotated[
        int, number("--stream", "N", "test recordings to stream at their own pace as well", 0)
    ] = 0,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="DIR", help="also put the figures into sim_board.json of this folder"
        ),
    ] = None,
) -> int:
    """Run a board in simulation behind a pseudo-terminal and check it as hardware.

    The whole board, UART pins, flash and all, in Verilator. Classifies, embeds, enrols and verifies
    test images over the serial port and compares every answer with the golden model; ends with
    status 1 at any difference. Then measures images per second, in the simulated clock. With --stream
    recordings of events, sound or packets are replayed live, each answer compared.
    """
    from twinspike.boards import steps
    from twinspike.cli.closing import then
    from twinspike.flow.folders import opened

    chosen, place = opened(config, out)
    if port and not serve:
        raise typer.BadParameter("--port is for --serve: without it there is no port to talk to")
    if serve:
        steps.serve(chosen, place, board, baud, link, port)
        return 0
    good = steps.simulate(chosen, place, board, frames, baud=baud, line=link, stream=stream, results=results)
    if good:
        print(f"next: {then('bitstream', chosen, place, '--board', board)}")
    return 0 if good else 1


@command("enrol-demo")
def enrol_demo(
    config: Config = "omniglot-conv",
    out: Out = "build",
    board: Board = "ulx3s",
    baud: Baud = UART_BAUD,
) -> int:
    """Characters that training never saw, enrolled on a board in simulation with one drawing each.

    Five characters of Omniglot's evaluation alphabets; the board is asked about drawings of them by other
    people, and of characters that were not enrolled, to which the right answer is unknown. Writes a page
    with a picture of all answers to enrol-demo/; ends with status 1 if one is not the golden model's.
    """
    from twinspike.boards.demonstration import demonstrate
    from twinspike.flow.folders import opened

    chosen, place = opened(config, out)
    return 0 if demonstrate(chosen, place, board, baud) else 1
