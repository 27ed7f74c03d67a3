"""The command line of networks from other tools, and to them."""

import argparse
from collections.abc import Callable
from pathlib import Path

from twinspike.flow.exchange import TUNING_EPOCHS, ImportOptions, import_nir
from twinspike.quant.dialects import DIALECTS, RESETS

STEPS = ("import", "export-nir", "export-qonnx")


def export(options: argparse.Namespace) -> None:
    """Write a network file as NIR or QONNX."""
    from twinspike.quant.network_file import load_network

    network = load_network(options.network)
    if options.step == "export-nir":
        from twinspike.quant.nir_export import export_nir as write
    else:
        from twinspike.quant.qonnx_export import export_qonnx as write
    write(network, options.file)
    print(f"{options.file}: {network.name}, {network.content_hash[:16]}")
    if options.step == "export-nir":
        from twinspike.flow.export_check import check

        print(check(network, options.file, options.config))


def run(options: argparse.Namespace) -> int:
    """One of this file's steps, from the command line."""
    if options.step != "import":
        export(options)
        return 0
    from twinspike.config import load_config

    config = load_config(options.config)
    chosen = ImportOptions(
        options.dialect, options.dt, options.reset, options.weight_bits, options.calibration,
        options.finetune, options.epochs, timesteps=options.timesteps,
    )  # fmt: skip
    table = import_nir(options.file, options.out or Path("build") / options.file.stem, config, chosen)
    return 1 if table.get("dead") else 0


def add_steps(step: Callable[..., argparse.ArgumentParser]) -> None:
    """Parsers of this file's steps."""
    parser = step(
        "import", "import a network of snnTorch, Norse or SpikingJelly from a NIR file, with a drift report",
        "Chooses leak, scales, thresholds and state width on calibration frames, and measures on others what "
        "each approximation costs, spike by spike: drift.md beside network.safetensors. The label is the "
        "output neuron that spikes most. Status 1: a layer spikes in the original and never here.",
    )  # fmt: skip
    parser.add_argument("file", type=Path, metavar="FILE.nir")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write (default: build/<file's name>)"
    )
    parser.add_argument(
        "--from", dest="dialect", default="nir", choices=DIALECTS,
        help="who wrote the file: it does not say how steps, `>` or `>=` and resets are meant (default: nir)",
    )  # fmt: skip
    parser.add_argument(
        "--dt", type=_seconds, metavar="S", help="seconds a step in the file's time (default: as it seems)"
    )
    parser.add_argument(
        "--reset", default="zero", choices=RESETS,
        help="what neurons do, if not what NIR says; snnTorch's default is subtract-delayed (default: zero)",
    )  # fmt: skip
    parser.add_argument(
        "--weight-bits", type=int, default=4, choices=range(1, 9), metavar="1..8", help="(default: 4)"
    )
    parser.add_argument(
        "--config", default="digits", metavar="NAME",
        help="configuration with the dataset, coding and timesteps it was trained with (default: digits)",
    )  # fmt: skip
    parser.add_argument(
        "--timesteps", type=int, metavar="T", help="another number of steps than the configuration's, 1..255"
    )
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE.npz",
        help="other frames: images [B, ...] or spikes [T, B, in], labels, original0 ... (docs/interop.md)",
    )  # fmt: skip
    parser.add_argument("--finetune", action="store_true", help="train the quantised network on, with labels")
    parser.add_argument(
        "--epochs",
        type=int,
        default=TUNING_EPOCHS,
        metavar="N",
        help=f"of --finetune (default: {TUNING_EPOCHS})",
    )
    for name, kind, more in (
        (
            "export-nir",
            "NIR",
            "Its parameters are the integers. NIR has no reset by subtraction and no single_spike.",
        ),
        ("export-qonnx", "QONNX", "The quantised layers' weights, scales and bits, by way of Brevitas."),
    ):
        parser = step(name, f"write a network file as {kind}", more)
        parser.add_argument("network", type=Path, metavar="NETWORK.safetensors")
        parser.add_argument("file", type=Path, metavar="OUT")
        if kind == "NIR":
            parser.add_argument(
                "--config", metavar="NAME",
                help="configuration whose test images the graph is checked on (default: images of noise)",
            )  # fmt: skip


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
