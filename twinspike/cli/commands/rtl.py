"""`rtl`: the core as Verilog."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import GENERIC, AnyTarget, Config, Out, choice

if TYPE_CHECKING:
    from twinspike.hw.plan import CorePlan
    from twinspike.hw.predict.planner import Prediction


@command("rtl")
def rtl(
    config: Config = "digits",
    out: Out = "build",
    target: AnyTarget = GENERIC,
    goal: Annotated[
        str | None,
        choice(
            "--goal",
            ("latency", "area"),
            "let the planner choose lanes and banks for --target: fewest clocks, or fewest logic cells",
        ),
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option("--network", metavar="FILE", help="another network file than the configuration's"),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="where to write (default: build/<config>/rtl)"),
    ] = None,
) -> None:
    """Write the core's Verilog, RTLIL, memory images and ports.md.

    Without --target the core is portable: its weights lie in initialised memories. For up5k a large
    layer's weights go to SPRAM and come in over a load port.
    """
    from twinspike.api.networks import Net
    from twinspike.cli.chosen import chosen_net
    from twinspike.cli.closing import aimed, then, wrote
    from twinspike.flow.cores import misfit_of
    from twinspike.flow.folders import opened
    from twinspike.quant.network_file import load_network

    if network:
        chosen, place = opened(config, out)
        net = Net(load_network(network), chosen, network, place)
    else:
        net = chosen_net(config, out)
    core = net.core(target, goal)
    written = core.verilog(folder or net.place.rtl(target))
    _print_plan(written, core.plan)
    if core.prediction:
        _print_prediction(core.prediction, core.planned_on)
    if misfit := misfit_of(core.plan):
        print(f"twinspike: warning: {misfit}", file=sys.stderr)
    names = "twinspike_core.v, ports.md, memory images"
    onward = then("sim", net.config, net.place, *aimed(target))
    wrote(written, names, next=None if folder or network else onward)


def _print_plan(folder: Path, plan: "CorePlan") -> None:
    from twinspike.cli.tables import print_table

    columns: dict[str, list[str]] = {}
    for index, layer in enumerate(plan.layers):
        # A dense layer's are [neurons, inputs]; those of a map, its filters, are shared by all places.
        sizes = layer.layer.weight.shape
        sizes = sizes[::-1] if len(sizes) == 2 else sizes
        # On maps an event near the border costs less.
        events = max(map(layer.event_clocks, range(layer.inputs)))
        row = {
            "layer": index,
            "inputs": f"{layer.layer.inputs:,}",
            "neurons": f"{layer.neurons:,}",
            "lanes": layer.lanes,
            "events at once": max(layer.events_per_clock, 1),
            "clocks per event": f"{events:g}",
            "weights": "x".join(map(str, sizes)),
            "bits": layer.layer.spec.weight_bits,
            "memory": layer.memory,
        }
        for name, value in row.items():
            columns.setdefault(name, []).append(str(value))
    print_table(f"{folder}: core for {plan.target}", columns)


def _print_prediction(prediction: "Prediction", images: int) -> None:
    from twinspike.hw.devices import DEVICES

    device = DEVICES[prediction.plan.target]
    spram = f", {prediction.spram} of {device.spram} SPRAM blocks" if device.spram else ""
    cells = "logic cells unknown until make calibrate"
    if prediction.logic_cells is not None:
        cells = f"{prediction.logic_cells:,} of {device.logic_cells:,} {device.logic_cell}s"
    print(
        f"predicted for {images} test images: median {prediction.latency_cycles:,.0f} cycles alone, "
        f"{prediction.interval_cycles:,.0f} from image to image;\n  "
        f"{prediction.memory_bits:,} memory bits, about {prediction.ram_blocks} of {device.ram_blocks} block "
        f"RAMs{spram}, {cells}"
    )
