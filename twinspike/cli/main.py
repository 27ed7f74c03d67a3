"""The command line: `twinspike STEP --config NAME`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from twinspike import __version__
from twinspike.cli import boards as board_cli
from twinspike.cli import exchange
from twinspike.cli import study as study_cli
from twinspike.numerics.errors import TwinspikeError

_INTRODUCTION = """\
Trains siamese spiking networks with an Earth Mover's Distance loss and turns them into an FPGA core
whose spikes equal the Python model's bit for bit. A run from data to silicon:

  twinspike train  --config digits     train, quantise, evaluate, export network.safetensors
  twinspike rtl    --config digits     Verilog, RTLIL and memory images of the core
  twinspike sim    --config digits     real test images through the Verilog, every spike compared
  twinspike synth  --config digits     yosys and nextpnr: logic cells, block RAMs, Fmax over seeds
  twinspike report --config digits     one HTML page with the figures, and a closing table
  twinspike import net.nir             a network of snnTorch, Norse or SpikingJelly as a core
  twinspike bitstream --board ulx3s    a bitstream; `twinspike device` talks to the board

Outputs go to build/<config>/. `twinspike STEP --help` explains a step.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; returns the exit status: 0 done, 1 found a difference, 2 bad input, 130 Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except TwinspikeError as error:
        print(f"twinspike: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("twinspike: interrupted", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    if options.step == "doctor":
        from twinspike.cli.doctor import doctor

        return doctor()
    if options.step in exchange.STEPS:
        return exchange.run(options)
    if options.step in board_cli.STEPS:
        return board_cli.run(options)
    from twinspike.cli import steps
    from twinspike.config import DATASETS, load_config
    from twinspike.flow.folders import GENERIC, folders
    from twinspike.flow.plans import needs_own_simulation

    if options.step == "fuzz":
        from twinspike.cli.fuzz import fuzz

        return fuzz(options.networks, options.minutes, options.seed, options.replay, Path(options.out))
    if options.step == "data":
        steps.data(options.datasets or list(DATASETS))
        return 0
    if options.step == "docs":
        steps.docs(options.root)
        return 0
    if options.step in ("study", "recipes", "explore", "oneshot"):
        return study_cli.run(options)
    if options.step == "calibrate":
        steps.calibrate(Path(options.out), options.root, options.target or ["up5k", "ecp5-25k", "ecp5-85k"])
        return 0
    if options.step == "bench-hw":
        steps.bench_hw(
            options.out, options.root, options.only, options.part or list(steps.BENCH_PARTS), options.jobs
        )
        return 0
    config = load_config(options.config)
    place = folders(options.out, config.name)
    match options.step:
        case "train":
            steps.train(config, place, resume=options.resume)
        case "export":
            steps.export(config, place)
        case "golden":
            steps.golden(config, place, options.frames or sys.maxsize)
        case "rtl":
            from twinspike.quant.network_file import load_network

            network = load_network(options.network) if options.network else None
            if options.goal and options.target == GENERIC:
                raise TwinspikeError("--goal needs a device: add --target " + ", ".join(_targets()[1:]))
            steps.rtl(config, place, options.target, network=network, out=options.folder, goal=options.goal)
        case "sim":
            targets = [options.target] if options.target else [GENERIC, *config.hardware.targets]
            if not options.target:
                targets = [t for t in targets if needs_own_simulation(config, place, t)]
            outcome = [
                steps.sim(
                    config, place, target,
                    frames=options.frames, simulator=options.simulator, waves=options.waves,
                    bench=options.bench,
                )
                for target in targets
            ]  # fmt: skip
            return 0 if all(outcome) else 1
        case "ip":
            steps.ip(config, place, options.target, frames=options.frames, out=options.folder)
        case "synth":
            targets = options.target or list(config.hardware.targets)
            steps.synth(config, place, targets, seeds=options.seeds, jobs=options.jobs)
        case "netlist":
            from twinspike.cli.netlist import netlist

            targets = options.target or list(config.hardware.targets)
            return 0 if netlist(config, place, targets, options.frames or 20) else 1
        case "report":
            steps.report(config, place)
        case "results":
            steps.results(config, place, options.folder)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="twinspike", description=_INTRODUCTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"twinspike {__version__}")
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")

    def step(name: str, help: str, more: str = "") -> argparse.ArgumentParser:
        made = steps.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}. {more}")
        if name not in (
            "data", "doctor", "docs", "recipes", "oneshot", "calibrate", "bench-hw", "fuzz", *exchange.STEPS
        ):  # fmt: skip
            usual = study_cli.BASES.get(name, "digits")
            made.add_argument(
                "--config", default=usual, metavar="NAME",
                help=f"digits, mnist, fashion, ... or the path of a .toml file (default: {usual})",
            )  # fmt: skip
        if name not in ("data", "doctor", "docs", "calibrate", "bench-hw", *exchange.STEPS):
            made.add_argument(
                "--out", default="build", metavar="DIR", help="root of all outputs (default: build)"
            )
        return made

    train = step(
        "train", "train a network, quantised all along, and export it",
        "Writes network.safetensors, metrics.json, train.jsonl and a checkpoint. Ctrl-C loses nothing: "
        "go on with --resume, which ends in the very same network.",
    )  # fmt: skip
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint, if there is one")
    step("export", "write the network file again from the last checkpoint")
    golden = step("golden", "run the integer network in numpy over the test images and keep its spikes")
    golden.add_argument("--frames", type=_positive, metavar="N", help="only the first N images")

    rtl = step(
        "rtl", "write the core's Verilog, RTLIL, memory images and ports.md",
        "Without --target the core is portable: its weights lie in initialised memories. For up5k a large "
        "layer's weights go to SPRAM and come in over a load port.",
    )  # fmt: skip
    rtl.add_argument("--target", default="generic", choices=_targets(), help="device (default: generic)")
    rtl.add_argument(
        "--goal", choices=["latency", "area"],
        help="let the planner choose lanes and banks for --target: fewest clocks, or fewest logic cells",
    )  # fmt: skip
    rtl.add_argument(
        "--network", type=Path, metavar="FILE", help="another network file than the configuration's"
    )
    rtl.add_argument(
        "--folder", type=Path, metavar="DIR", help="where to write (default: build/<config>/rtl)"
    )

    sim = step(
        "sim", "drive real test images through the Verilog and compare every spike with the golden model",
        "Runs the frames back to back, some alone (latency) and some under random back-pressure; checks "
        "hidden spikes, output spikes, result records and cycles. Ends with status 1 at any difference.",
    )  # fmt: skip
    sim.add_argument(
        "--frames", type=_positive, metavar="N", help="test images (default: the configuration's)"
    )
    sim.add_argument("--target", choices=_targets(), help="only this core (default: every one that differs)")
    sim.add_argument(
        "--simulator", default=os.environ.get("SIM") or "verilator", metavar="NAME",
        help="verilator or icarus (default: $SIM, else verilator)",
    )  # fmt: skip
    sim.add_argument(
        "--bench", default=os.environ.get("BENCH", ""), metavar="NAME",
        help="native (compiled, all processor cores) or cocotb (default: $BENCH, else native; with icarus "
        "and for waves cocotb)",
    )  # fmt: skip
    sim.add_argument(
        "--waves", action="store_true", default=os.environ.get("WAVES", "0") not in ("", "0"),
        help="write an FST and views for GTKWave and Surfer, of 3 frames unless --frames says otherwise",
    )  # fmt: skip

    ip = step(
        "ip", "write an IP package: Verilog, register map, test benches, constraints, datasheet",
        "Beside the stream core come tops with AXI4-Lite and Wishbone, test benches with golden vectors for "
        "plain Icarus or Verilator, a FuseSoC .core file and a README as datasheet. It needs no Python.",
    )  # fmt: skip
    ip.add_argument("--target", default="generic", choices=_targets(), help="device (default: generic)")
    ip.add_argument(
        "--frames",
        type=_positive,
        default=10,
        metavar="N",
        help="test images as golden vectors (default: 10)",
    )
    ip.add_argument("--folder", type=Path, metavar="DIR", help="where to write (default: build/<config>/ip)")

    synth = step(
        "synth", "place and route the core with yosys and nextpnr",
        "Writes <target>/synth/synth.json: logic cells, block RAMs and Fmax, one a seed. Stages whose "
        "inputs have not changed are not run again.",
    )  # fmt: skip
    synth.add_argument("--seeds", type=_seeds, default=[1, 2, 3], metavar="1,2,3", help="placer seeds")
    synth.add_argument(
        "--jobs", type=_positive, default=2, metavar="N", help="nextpnr runs at a time (default: 2)"
    )

    netlist = step(
        "netlist", "simulate the synthesised cells of the core, against the golden model",
        "Test images through the netlist, undisturbed and stalled: spikes, results and cycles. Adds to "
        "results/netlist.json; ends with status 1 at any difference.",
    )  # fmt: skip
    for routed in (synth, netlist):
        routed.add_argument(
            "--target", action="append", choices=_targets()[1:],
            help="device; may be given more than once (default: the configuration's)",
        )  # fmt: skip
    netlist.add_argument("--frames", type=_positive, metavar="N", help="test images (default: 20)")
    step("report", "write build/<config>/report/index.html and print the closing table")
    results = step(
        "results", "collect the figures in build/<config> into results/<config>.json",
        "The file holds configuration, seed, versions and data checksums beside the figures; README and "
        "docs are filled from it.",
    )  # fmt: skip
    results.add_argument(
        "--folder",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="where to write (default: results)",
    )
    study_cli.add_steps(step, _positive, _seeds, _targets()[1:])
    board_cli.add_steps(step, _positive, _seeds)
    docs = step("docs", "fill README.md and docs/*.md from results/ and from the code")
    docs.add_argument(
        "--root", type=Path, default=Path(), metavar="DIR", help="the repository (default: this folder)"
    )
    data = step(
        "data", "verify datasets, and download those that are missing",
        "They are looked for in $TWINSPIKE_DATA, else in the user's cache folder.",
    )  # fmt: skip
    data.add_argument("datasets", nargs="*", metavar="NAME", help="digits, mnist, fashion (default: all)")
    exchange.add_steps(step)
    calibrate = step(
        "calibrate", "fit the model of logic cells to cores that are synthesised and packed",
        "Writes results/area-<family>.json with every core, its prediction and its error, and the "
        "coefficients that the planner uses (hw/predict/area.json). Builds are kept: an interrupted run "
        "goes on.",
    )  # fmt: skip
    calibrate.add_argument(
        "--target", action="append", choices=["up5k", "ecp5-25k", "ecp5-85k"],
        help="only this device's cores; may be given more than once (default: all)",
    )  # fmt: skip
    bench = step(
        "bench-hw", "simulate, place and route every configuration on every device: results/hardware.json",
        "Builds are kept with a hash of what they were made from: an interrupted run goes on, and what has "
        "not changed is not built again. From scratch it takes an hour or two.",
    )  # fmt: skip
    bench.add_argument(
        "--only", action="append", default=[], metavar="TEXT",
        help="only builds whose name (config-device...) contains this; may be given more than once",
    )  # fmt: skip
    bench.add_argument(
        "--part", action="append", choices=["builds", "scaling", "codings", "emission", "throughput"],
        help="only this part; may be given more than once (default: all)",
    )  # fmt: skip
    bench.add_argument("--jobs", type=_positive, default=2, metavar="N", help="nextpnr runs at a time")
    for made in (calibrate, bench):
        made.add_argument(
            "--out", default="build", metavar="DIR", help="root of all outputs (default: build)"
        )
        made.add_argument(
            "--root", type=Path, default=Path(), metavar="DIR", help="the repository (default: this folder)"
        )
    fuzz = step(
        "fuzz", "try random networks and streams, sound and hostile, in simulation against the golden model",
        "Without a bound, 5 minutes. Counts are added up in results/fuzz.json. A failure is shrunk and kept "
        "as a file for --replay; the command then ends with status 1.",
    )  # fmt: skip
    fuzz.add_argument("--networks", type=_positive, metavar="N", help="until N networks in all were tried")
    fuzz.add_argument("--minutes", type=_positive, metavar="M", help="for M minutes")
    fuzz.add_argument("--seed", type=_positive, metavar="S", help="begin with this seed (default: the next)")
    fuzz.add_argument("--replay", type=Path, metavar="FILE", help="try the case in this file, nothing else")
    step("doctor", "show which tools and versions are in use and what is missing")
    return parser


def _targets() -> list[str]:
    from twinspike.hw.settings import TARGETS

    return ["generic", *TARGETS]


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer in 1..1000000")
    return int(text)


def _seeds(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of integers such as 1,2,3")
    return [int(part) for part in parts]


if __name__ == "__main__":
    sys.exit(main())
