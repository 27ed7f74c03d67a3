"""The figures of one configuration, collected from its build folder into ``results/<config>.json``."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from twinspike.config import Config
from twinspike.hw.devices import DEVICES
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json
from twinspike.quant.sizes import sizes

from .identity import record_name
from .results import Results, read_results

# What the hardware side depends on; the training side's versions are in the network's provenance.
_PACKAGES = ("amaranth", "cocotb")
_FROM_METRICS = (
    "accuracy",
    "macro_f1",
    "macro_f1_knn",
    "baseline_knn_macro_f1",
    "hidden_activity",
    "spikes_per_image",
    "synaptic_operations",
    "verification",
    "verification_reference",
    "train_seconds",
    "train_cpu_seconds",
    "epochs",
    "test_images",
    "torch_golden_compared",
    "torch_golden_mismatches",
)
_FROM_SYNTH = (
    "logic_cells",
    "logic_cells_available",
    "flipflops",
    "flipflops_available",
    "ram_blocks",
    "ram_blocks_available",
    "spram",
    "spram_available",
    "dsp",
    "fmax_mhz",
    "fmax_min_mhz",
    "fmax_median_mhz",
    "fmax_max_mhz",
    "seeds",
    "tools",
)
_SPREAD = ("min", "median", "max")


def write_record(build: Path, config: Config, folder: Path) -> Path:
    """Collect the build folder of a configuration into ``folder/<config>.json``; returns the path.

    What no step has made yet is absent from the file. Raises TwinspikeError without a network or
    its metrics, and for outputs that were made from another network.
    """
    path = folder / f"{record_name(config, str(folder))}.json"
    results = read_results(build, config)
    try:
        found = record(results, config.table()["hardware"])
    except KeyError as error:
        raise TwinspikeError(
            f"{build}: its files lack {error}, which a record needs: train, simulate and synthesise again"
        ) from None
    write_json(path, found)
    return path


def record(results: Results, hardware: dict[str, Any]) -> dict[str, Any]:
    """What the file holds: figures with the configuration, seed, versions and checksums behind them."""
    network, metrics = results.network, results.metrics
    if metrics is None and "from" in network.provenance:
        raise TwinspikeError(f"network {network.name} was imported: only trained networks are recorded")
    for note in results.notes:
        if "is missing" not in note:
            raise TwinspikeError(note)
    if metrics is None:
        raise TwinspikeError(f"no figures of network {network.name} to record: {results.notes[0]}")
    made = network.provenance
    return {
        "name": network.name,
        "network_hash": network.content_hash,
        "network": {
            "shape": sizes(network),
            "timesteps": network.timesteps,
            "weight_bits": [layer.spec.weight_bits for layer in network.layers],
            "references": len(network.references.labels),
        },
        "configuration": {**made["config"], "hardware": hardware},
        "seed": made["seed"],
        "data_checksums": dict(made["data_checksums"]),
        "versions": {**made["versions"], **{name: version(name) for name in _PACKAGES}},
        **{key: metrics[key] for key in _FROM_METRICS if key in metrics},
        "sim": [_run(row) for row in results.runs],
        "synth": {target: synthesis(results, target) for target in results.synths},
    }


def _run(row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: row[key] for key in ("run", "target", "simulator", "frames", "stalls", "isolated")}
    kept |= {key: row[key] for key in ("spikes_compared", "results_compared", "mismatches")}
    kept["faults"] = len(row["faults"])
    if "cycles" in row:
        kept["cycles_predicted_equal"] = row["cycles_predicted_equal"]
        kept["cycles"] = {kind: _short(spread) for kind, spread in row["cycles"].items() if spread["values"]}
    return kept


def _short(spread: dict[str, Any]) -> dict[str, Any]:
    return {which: spread[which] for which in _SPREAD}


def synthesis(results: Results, target: str) -> dict[str, Any]:
    """One device: what synth.json says, and the time an image at the slowest seed's clock."""
    synth = results.synths[target]
    row = {"device": DEVICES[target].title, **{key: synth[key] for key in _FROM_SYNTH}}
    for kind, run in (("latency", "alone"), ("interval", "back_to_back")):
        # Cycles depend on the lanes, not on the device; a run of this very core is preferred all the same.
        spread = results.cycles(run, kind, target) or results.cycles(run, kind)
        if spread:
            row[f"{kind}_cycles"] = _short(spread)
            row[f"{kind}_us"] = round(spread["median"] / synth["fmax_min_mhz"], 3)
    return row
