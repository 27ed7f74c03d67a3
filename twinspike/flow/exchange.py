"""Networks to and from other tools: the steps `import`, `export-nir` and `export-qonnx`."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.numerics.files import write_atomically, write_json
from twinspike.numerics.limits import MAX_TIMESTEPS
from twinspike.quant.dialects import DIALECTS

if TYPE_CHECKING:
    import numpy as np

    from twinspike.config import Config
    from twinspike.quant.network import Network
    from twinspike.quant.nir_import import Stages

# Frames that scales, thresholds and leaks are chosen on; more make it slower, not better.
CALIBRATION_FRAMES = 600
# As many steps in all are enough: frames of many steps are fewer.
CALIBRATION_STEPS = 20_000
TUNING_EPOCHS = 30
# Neurons times steps of the widest layer likewise; all places of a map count for its channels.
CALIBRATION_CURRENTS = 1 << 23
# A leak that differs by more than this, as a share of the membrane a step, is worth a remark.
FAR_LEAK = 0.1


@dataclasses.dataclass(frozen=True)
class ImportOptions:
    """How to read a NIR file and what to make of it; see `twinspike import --help`."""

    dialect: str = "nir"
    dt: float | None = None
    reset: str = "zero"
    weight_bits: int = 4
    calibration: Path | None = None
    finetune: bool = False
    epochs: int = TUNING_EPOCHS
    progress: bool = True
    timesteps: int | None = None


def import_nir(path: Path, out: Path, config: Config, options: ImportOptions) -> dict[str, Any]:
    """Import the network in `path` into folder `out`: network.safetensors, drift.json, drift.md, NAME.toml.

    Timesteps and spike encoding are the configuration's, and so are the frames, unless
    `options.calibration` brings its own. Returns the content of drift.json; its `dead` says that a layer
    never spikes though the original's does. Its `warnings` go to stderr too. A file that twinspike
    exported comes back as it was, content hash and all, with the configuration that it was trained by;
    nothing is fitted then.
    Raises TwinspikeError, one line, and writes nothing, if the file cannot be mapped.
    """
    from twinspike.config import config_from_provenance, load_config
    from twinspike.quant.nir_file import read_graph
    from twinspike.quant.nir_import import reimport

    from .identity import check_free, claim

    # A folder such as "." has its name from where it is.
    place = out if out.name not in ("", "..") else out.resolve()
    settings = out / f"{place.name or path.stem}.toml"
    check_free(settings, out)
    graph = read_graph(path)
    network = reimport(graph)
    if network is not None:
        network.save(out / "network.safetensors")
        print(
            f"{out / 'network.safetensors'}: exported by twinspike and unchanged, {network.content_hash[:16]}"
        )
        if options.finetune or options.calibration:
            print("nothing was fitted to frames: --calibration and --finetune are not used")
        made = config_from_provenance(network)
        write_atomically(settings, made.toml() if made else _toml(network, config))
        claim(load_config(str(settings)), out)
        print(f"next: {_next_step(settings, out, place)}")
        return {"exact": True, "network_hash": network.content_hash}
    checksum, began = hashlib.sha256(path.read_bytes()).hexdigest(), time.monotonic()
    network, table, notes = import_graph(graph, path.stem, config, options, {"file_sha256": checksum})
    network.save(out / "network.safetensors")
    write_json(out / "drift.json", table)
    from twinspike.model.imports.drift import drift_markdown

    write_atomically(out / "drift.md", drift_markdown(table, f"Import of {path.name}", notes))
    _print_drift(table, notes, out)
    for line in table["warnings"]:
        print(f"twinspike: warning: {line}", file=sys.stderr)
    if options.calibration is None:
        write_atomically(settings, _toml(network, config))
        claim(load_config(str(settings)), out)
        follows = _next_step(settings, out, place)
    else:
        command = ["rtl", "--network", out / "network.safetensors", "--folder", out / "rtl"]
        follows = f"twinspike {shlex.join(map(str, command))}"
    written = ["network.safetensors", "drift.md", "drift.json"]
    written += [settings.name] if options.calibration is None else []
    print(f"wrote {', '.join(written)} in {out}: {_took(time.monotonic() - began)}")
    print(f"next: {follows}")
    return table


def _next_step(settings: Path, out: Path, place: Path) -> str:
    """The command that simulates what was imported into `out`, a folder that `place` names."""
    parent = out / ".." if place != out else out.parent
    return shlex.join(["twinspike", "sim", "--config", str(settings), "--out", str(parent)])


def import_graph(
    graph: Mapping[str, Any], name: str, config: Config, options: ImportOptions, origin: Mapping[str, Any]
) -> tuple[Network, dict[str, Any], list[str]]:
    """The integer network of a graph (see quant/nir_file.py), its drift table, and remarks for a reader.

    `origin` goes into the network's provenance. Raises TwinspikeError if it cannot be mapped.
    """
    from twinspike.flow.tuning import tuned_network, tuning_line
    from twinspike.model.imports.drift import drift_table, rungs
    from twinspike.model.imports.frames import dataset_frames, file_frames, some_of
    from twinspike.model.imports.silence import silence
    from twinspike.numerics.progress import Bar
    from twinspike.quant.nir_import import counting_network, float_layers, round_network
    from twinspike.quant.time_unit import time_unit

    first, *_ = mapped = float_layers(graph, dialect=options.dialect, dt=options.dt, reset=options.reset)
    config = _with_timesteps(config, options.timesteps)
    given = options.calibration
    widest = max(layer.neurons for layer in mapped)
    data = (
        file_frames(given, config.encoder, config.timesteps)
        if given
        else dataset_frames(config, None if options.finetune else _enough(config.timesteps, widest))
    )
    if data.own_steps and options.timesteps is not None:
        raise TwinspikeError(
            f"--timesteps {options.timesteps}: the spikes of {given} have {len(data.test.spikes)} steps, "
            "which decide: leave --timesteps out"
        )
    enough = _enough(len(data.calibration.spikes), widest)
    fitted_on = data.calibration
    if len(fitted_on) > enough:
        fitted_on = fitted_on.take(some_of(len(fitted_on), enough))
    unit = time_unit(graph, options.dialect, options.reset, options.dt, fitted_on.spikes)
    options = dataclasses.replace(options, dt=unit.dt)
    real = float_layers(graph, dialect=options.dialect, dt=unit.dt, reset=options.reset)
    # Bars of what takes its time: dense layers are done before one is drawn.
    watch = functools.partial(Bar, disable=not options.progress, delay=1)
    fitting = functools.partial(watch, desc=f"fit to {len(fitted_on)} frames", unit="layer")
    stages = round_network(real, fitted_on.spikes, options.weight_bits, fitting)
    timesteps = len(data.test.spikes)
    from importlib.metadata import version

    common: dict[str, Any] = {
        "timesteps": timesteps,
        "encoder": config.encoder,
        "shape": data.shape,
        "provenance": {
            **origin,
            "frames": data.source,
            "from": options.dialect,
            "reset": options.reset,
            "dt": unit.dt,
            "versions": {"twinspike": version("twinspike")},
        },
    }
    sees = getattr(first.synapses, "map", (first.inputs,))
    if config.encoder.addresses(data.shape) != first.inputs or (given and data.shape == (first.inputs,)):
        # Frames of spikes without an encoding: the addresses are the image.
        from twinspike.numerics.encodings import Threshold

        common |= {"encoder": Threshold(), "shape": sees}
    network = counting_network(stages.layers, name=name, **common)
    tuned, tuning, test = None, None, data.test
    if options.finetune:
        if len(data.test) < 2:
            raise TwinspikeError("--finetune trains, judges and reports on different frames: give 4 or more")
        # The original was trained on what calibrates: only other frames judge whether training on helped.
        judge, test = (data.test.take(slice(first, None, 2)) for first in (0, 1))
        build = functools.partial(counting_network, name=name, **common)
        tuned, tuning = tuned_network(stages, network, data.calibration, judge, options, build)
    original, notes = _original(graph, options, test)
    measuring = functools.partial(watch, desc=f"measure on {len(test)} frames", unit="rung")
    ladder = rungs(stages, network, test.spikes, original, tuned, measuring)
    table = drift_table(ladder, test.labels)
    final = tuned if tuned and tuning and tuning["kept"] else network
    notes = [unit.line, *notes, *_leaks(stages)]
    if tuning:
        table["finetuning"] = tuning
        notes.append(tuning_line(tuning))
    quiet = silence(ladder[0], ladder[-1 if final is tuned or not tuned else -2], [x.name for x in real])
    table |= {
        "warnings": quiet.lines,
        "dead": quiet.dead,
        "dt": unit.dt,
        "network_hash": final.content_hash,
        "dialect": options.dialect,
        "frames_from": data.source,
        "layers": [_layer_row(stages, i, final) for i in range(len(real))],
    }
    return final, table, [*notes, *quiet.lines]


def _enough(steps: int, widest: int) -> int:
    """Frames of `steps` that are enough to calibrate layers of up to `widest` neurons."""
    enough = min(CALIBRATION_FRAMES, -(-CALIBRATION_STEPS // steps))
    return min(enough, max(4, CALIBRATION_CURRENTS // (steps * widest)))


def _with_timesteps(config: Config, timesteps: int | None) -> Config:
    if timesteps is None:
        return config
    if not 1 <= timesteps <= MAX_TIMESTEPS:
        raise out_of_range("--timesteps", timesteps, f"1..{MAX_TIMESTEPS}")
    return dataclasses.replace(config, timesteps=timesteps)


def _leaks(stages: Stages) -> list[str]:
    """A line for every layer whose leak had to become quite another."""
    from twinspike.quant.rounding import leak_factor

    lines = []
    for real, rounded in zip(stages.real, stages.rounded, strict=True):
        low, high = float(real.decay.min()), float(real.decay.max())
        factor = 0.0 if rounded.layer.spec.forget else leak_factor(rounded.layer.spec.leak_shift)
        if max(factor - low, high - factor) > FAR_LEAK:
            was = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
            lines.append(f"layer {real.name!r}: what a membrane keeps a step, {was}, becomes {factor:.4g}")
    return lines


def _original(graph, options: ImportOptions, test) -> tuple[tuple[np.ndarray, ...] | None, list[str]]:
    """The original's spikes on the test frames: recorded ones, or its framework's, if that is there."""
    from twinspike.quant.nir_graph import chain

    about = DIALECTS[options.dialect].about
    notes = [f"{options.dialect}: {about}"]
    if test.original is not None:
        return test.original, [*notes, "the original's spikes are those recorded in the calibration file"]
    from twinspike.model.imports.frameworks import installed, run_in_framework

    if not installed(options.dialect):
        return None, [*notes, "no framework ran the original: the report begins with the float import"]
    nodes = chain(graph)
    if any(node.type not in ("Affine", "Linear", "LIF", "CubaLIF", "IF") for node in nodes):
        return None, [
            *notes,
            "no framework runs convolutions here: the report begins with the float import",
        ]
    found = run_in_framework(options.dialect, nodes, test.spikes, dt=options.dt, reset=options.reset)
    how = "its own importer ran the file" if found else "it cannot run this reset"
    return found, [*notes, f"{options.dialect}: {how}"]


def _layer_row(stages: Stages, index: int, final: Network) -> dict[str, Any]:
    real, rounded = stages.real[index], stages.rounded[index]
    layer = [layer for layer in final.layers if layer.synapses.fires][index]
    stretch = stages.leaked[index].threshold / real.threshold
    return {
        "nodes": real.name,
        "inputs": layer.inputs,
        "neurons": layer.neurons,
        "decay": [float(real.decay.min()), float(real.decay.max())],
        "leak_shift": layer.spec.leak_shift,
        "threshold_stretch": float(stretch.mean()),
        "weight_bits": layer.spec.weight_bits,
        "state_bits": layer.spec.state_bits,
        "reset": layer.spec.reset,
        "exact": rounded.exact,
        "thresholds": [int(layer.threshold.min()), int(layer.threshold.max())],
    }


def _print_drift(table: dict[str, Any], notes: list[str], out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from twinspike.model.imports.drift import LEGEND, drift_rows

    head, rows = drift_rows(table)
    shown = Table(
        title=f"{out / 'drift.md'}: {table['frames']:,} frames, against the {table['against']}",
        title_justify="left",
    )
    for i, title in enumerate(head):
        shown.add_column(title, justify="right" if i else "left")
    for row in rows:
        shown.add_row(*row)
    console = Console()
    console.print(shown)
    for note in (LEGEND, *notes):
        console.print(f"- {note}", markup=False)


def _took(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _toml(network: Network, config: Config) -> str:
    """A configuration with which the other steps take the imported network, for devices that hold it."""
    from twinspike.hw.settings import HardwareSettings

    from .fitting import fitting_targets

    lines = ["# An imported network, for the steps that follow training."]
    lines += [f"dataset = {json.dumps(config.dataset)}", f"timesteps = {network.timesteps}", "", "[encoder]"]
    lines += [f"{k} = {json.dumps(v)}" for k, v in network.encoder.table().items()]
    targets = fitting_targets(network)
    if targets != HardwareSettings().targets:
        lines += ["", "[hardware]", f"targets = {json.dumps(targets)}"]
    for layer in network.layers:
        lines += ["", "[[layers]]"]
        keys = layer.synapses.keys()
        if not layer.synapses.fires:
            lines += [f"{k} = {json.dumps(v)}" for k, v in ({"kind": layer.kind} | keys).items()]
            continue
        if layer.kind == "conv":
            size = {"channels": layer.synapses.channels, "kernel": list(layer.weight.shape[2:])}
            keys = {"kind": "conv", **size, **keys, "norm": "none"}
        else:
            keys = {"neurons": layer.neurons}
        keys |= layer.spec.table()
        lines += [f"{k} = {json.dumps(v)}" for k, v in keys.items()]
    return "\n".join(lines) + "\n"
