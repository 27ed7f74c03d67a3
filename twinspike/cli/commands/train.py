"""`train` and `export`: from images to network.safetensors."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinspike.cli.app import command
from twinspike.cli.options import Config, Out

if TYPE_CHECKING:
    from twinspike import config as configs
    from twinspike.flow.folders import Folders


@command("train")
def train(
    config: Config = "digits",
    out: Out = "build",
    resume: Annotated[
        bool, typer.Option("--resume", help="go on from the checkpoint, if there is one")
    ] = False,
    shipped: Annotated[
        bool,
        typer.Option("--shipped", help="train only if no network with these settings ships with twinspike"),
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="write event files for TensorBoard as well, build/<config>/tensorboard (extra tensorboard)",
        ),
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="another value than the file's, such as training.epochs=5 or layers.0.neurons=64; may be "
            "given more than once, and the steps that follow go by it",
        ),
    ] = None,
) -> int:
    """Train a network, quantised throughout, and export it.

    Writes network.safetensors, metrics.json, train.jsonl and a checkpoint. Ctrl-C loses nothing:
    go on with --resume, which ends in the very same network. Ends with status 1 if the network
    learned nothing.
    """
    from twinspike.api.training import taught, verdict_of
    from twinspike.flow.folders import find_network, opened, pretrained

    # What a network was trained with so far counts only if its training goes on.
    chosen, place = opened(config, out, changes or (None if resume else ()))
    if shipped and not place.network.is_file() and pretrained(chosen):
        find_network(place, chosen)
        return 0
    warn = partial(_say, "warning")
    net = taught(chosen, place, resume=resume, warn=warn, tensorboard=tensorboard)
    if net is None:  # one of several processes has it
        return 0
    _print_metrics(net.metrics or {})
    _ends(chosen, place)
    learned, line = verdict_of(net)
    if line:
        _say("warning" if learned else "error", line)
    return 0 if learned else 1


@command("export")
def export(config: Config = "digits", out: Out = "build") -> None:
    """Write the network file again from the last checkpoint."""
    from twinspike.flow.folders import opened
    from twinspike.model.training.training import export as run

    chosen, place = opened(config, out)
    _print_metrics(run(chosen, place.build))
    _ends(chosen, place)


def _ends(config: "configs.Config", place: "Folders") -> None:
    from twinspike.cli.closing import then, wrote
    from twinspike.flow.training import has_core
    from twinspike.quant.network_file import load_network

    step = "rtl" if has_core(load_network(place.network)) else "report"
    wrote(place.build, "network.safetensors, metrics.json, train.jsonl", next=then(step, config, place))


def _say(kind: str, line: str) -> None:
    print(f"twinspike: {kind}: {line}", file=sys.stderr)


def _print_metrics(metrics: dict[str, Any]) -> None:
    from twinspike.numerics.lif import state_range
    from twinspike.quant.synapses.kinds import KINDS

    print(
        f"macro-F1 {metrics['macro_f1']:.4f} (one reference per class), "
        f"{metrics['macro_f1_knn']:.4f} (k-NN); "
        f"raw-pixel k-NN {metrics['baseline_knn_macro_f1']:.4f}; "
        f"hidden neurons active {metrics['hidden_activity']:.1%}; "
        f"torch against golden: {metrics['torch_golden_mismatches']} of "
        f"{metrics['torch_golden_compared']:,} spikes differ"
    )
    kinds = [entry.get("kind", "dense") for entry in metrics.get("config", {}).get("layers", [])]
    alive = [index for index, kind in enumerate(kinds) if KINDS[kind].fires]
    for index, row in zip(alive, metrics.get("state", []), strict=False):
        low, high = state_range(row["state_bits"])
        print(
            f"layers.{index}: {row['state_bits']} state bits serve ({row['configured']} allowed), no spike "
            f"changes: before the clamp to {low}..{high} membranes of the training images reach "
            f"{row['lowest']}..{row['highest']}, and are beyond it in {row['clamped']:.3%} of the steps"
        )
