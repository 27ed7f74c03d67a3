"""`import`, `export-nir` and `export-qonnx`: networks from other tools, and to them."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import choice, number, parse_real
from twinspike.flow.exchange import TUNING_EPOCHS
from twinspike.numerics.limits import MAX_TIMESTEPS
from twinspike.quant.dialects import DIALECTS, RESETS

Exported = Annotated[Path, typer.Argument(metavar="NETWORK.safetensors")]
Written = Annotated[Path, typer.Argument(metavar="OUT")]


@command("import")
def import_nir(
    file: Annotated[Path, typer.Argument(metavar="FILE.nir")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="where to write (default: build/<file's name>)"),
    ] = None,
    dialect: Annotated[
        str,
        choice(
            "--from",
            DIALECTS,
            "who wrote the file: it does not say how steps, `>` or `>=` and resets are meant",
        ),
    ] = "nir",
    dt: Annotated[
        float | None,
        typer.Option(
            "--dt",
            metavar="S",
            parser=parse_real,
            help="seconds per step in the file's time (default: as it seems)",
        ),
    ] = None,
    reset: Annotated[
        str,
        choice(
            "--reset",
            RESETS,
            "what neurons do, if not what NIR says; snnTorch's default is subtract-delayed",
        ),
    ] = "zero",
    weight_bits: Annotated[int, number("--weight-bits", "1..8", "width of the weights", 1, 8)] = 4,
    config: Annotated[
        str,
        typer.Option(
            "--config",
            metavar="NAME",
            help="configuration with the dataset, encoding and timesteps it was trained with",
        ),
    ] = "digits",
    timesteps: Annotated[
        int | None,
        number("--timesteps", "T", "steps per frame (default: the configuration's)", 1, MAX_TIMESTEPS),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="FILE.npz",
            help="other frames: images or spikes, labels, original0 ...: see docs/interop.md",
        ),
    ] = None,
    finetune: Annotated[
        bool, typer.Option("--finetune", help="train the quantised network on, with labels")
    ] = False,
    epochs: Annotated[int, number("--epochs", "N", "of --finetune")] = TUNING_EPOCHS,
) -> int:
    """Import a network of snnTorch, Norse, SpikingJelly, sinabs or Rockpool from NIR, with a drift report.

    Chooses leak, scales, thresholds and state width on calibration frames, and measures on others what
    each approximation costs, spike by spike: drift.md beside network.safetensors. The label is the
    output neuron that spikes most. Ends with status 1 if a layer spikes in the original and never here.
    """
    from twinspike.config import load_config
    from twinspike.flow.exchange import ImportOptions
    from twinspike.flow.exchange import import_nir as run

    chosen = ImportOptions(
        dialect, dt, reset, weight_bits, calibration, finetune, epochs, timesteps=timesteps
    )
    table = run(file, out or Path("build") / file.stem, load_config(config), chosen)
    return 1 if table.get("dead") else 0


@command("export-nir")
def export_nir(
    network: Exported,
    file: Written,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="NAME",
            help="configuration whose test images the graph is checked on (default: images of noise)",
        ),
    ] = None,
) -> None:
    """Write a network file as NIR.

    Its parameters are the integers. NIR has no reset by subtraction and no single_spike.
    """
    from twinspike.flow.export_check import check
    from twinspike.quant.network_file import load_network
    from twinspike.quant.nir_export import export_nir as write

    found = load_network(network)
    write(found, file)
    print(f"wrote {file}: {found.name}, {found.content_hash[:16]}")
    print(check(found, file, config))


@command("export-qonnx")
def export_qonnx(network: Exported, file: Written) -> None:
    """Write a network file as QONNX.

    The quantised layers' weights, scales and bits, by way of Brevitas.
    """
    from twinspike.quant.network_file import load_network
    from twinspike.quant.qonnx_export import export_qonnx as write

    found = load_network(network)
    write(found, file)
    print(f"wrote {file}: {found.name}, {found.content_hash[:16]}")
