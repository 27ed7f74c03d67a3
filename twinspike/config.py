"""A configuration: one TOML file, one frozen dataclass. Unknown keys and bad values are refused."""

import dataclasses
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from twinspike.hw.settings import HardwareSettings
from twinspike.model.datasets import DATASETS
from twinspike.model.settings import TrainingSettings
from twinspike.numerics.codings import Coding, coding_from_table
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.fields import build, setting
from twinspike.quant.network import NeuronSpec


@dataclasses.dataclass(frozen=True)
class LayerSettings(NeuronSpec):
    """One `[[layers]]` entry: its width beside the neuron's behaviour."""

    neurons: int = setting(128, low=1, high=32768, help="width of the layer")

    @property
    def spec(self) -> NeuronSpec:
        names = (f.name for f in dataclasses.fields(NeuronSpec))
        return NeuronSpec(**{name: getattr(self, name) for name in names})


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that one run of the flow depends on."""

    name: str
    dataset: str
    seed: int
    timesteps: int
    encoder: Coding
    layers: tuple[LayerSettings, ...]
    training: TrainingSettings
    hardware: HardwareSettings

    def table(self) -> dict[str, Any]:
        """The configuration as JSON-ready values, for provenance and for change detection."""
        return {**dataclasses.asdict(self), "encoder": self.encoder.table()}


@dataclasses.dataclass(frozen=True)
class TopSettings:
    """The scalars at the head of the TOML file."""

    dataset: str = setting("digits", choices=DATASETS, help="where images come from")
    seed: int = setting(1, low=0, high=2**31 - 1, help="fixes initial weights, batches and augmentation")
    timesteps: int = setting(8, low=1, high=255, help="T, time steps a frame")


def available() -> list[str]:
    """Names of the configurations that ship with twinspike."""
    folder = resources.files("twinspike.configs")
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def config_path(name: str) -> Path:
    """The TOML file of a shipped configuration, or of the path given (anything ending in .toml)."""
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise TwinspikeError(f"configuration file {name} does not exist")
        return path
    if name not in available():
        raise TwinspikeError(
            f"configuration {name!r} is unknown: choose {', '.join(available())}, "
            "or give the path of a .toml file"
        )
    return Path(str(resources.files("twinspike.configs") / f"{name}.toml"))


def load_config(name: str) -> Config:
    """Read and check a configuration by name or path; raises TwinspikeError naming the bad key."""
    path = config_path(name)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TwinspikeError(f"{path}: cannot read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad TOML, integers of thousands of digits
        raise TwinspikeError(f"{path.name}: is not sound TOML: {error}") from None
    try:
        return _from_table(path.stem, table)
    except TwinspikeError as error:
        raise TwinspikeError(f"{path.name}: {error}") from None


def _from_table(name: str, table: dict[str, Any]) -> Config:
    sections = ("encoder", "layers", "training", "hardware")
    scalars = [f.name for f in dataclasses.fields(TopSettings)]
    for key in table:
        if key not in (*sections, *scalars):
            raise TwinspikeError(f"{key} is unknown: allowed keys are {', '.join([*scalars, *sections])}")
    top = build(TopSettings, {k: v for k, v in table.items() if k in scalars}, "configuration")
    encoder = table.get("encoder", {"kind": "latency"})
    if not isinstance(encoder, dict):
        raise TwinspikeError("encoder is not a table: write [encoder] with kind = ...")
    entries = table.get("layers")
    if not isinstance(entries, list) or not 1 <= len(entries) <= 16:
        raise TwinspikeError("layers is missing or no list: write 1 to 16 [[layers]] entries")
    layers = tuple(build(LayerSettings, entry, f"layers.{i}") for i, entry in enumerate(entries))
    config = Config(
        name=name,
        dataset=top.dataset,
        seed=top.seed,
        timesteps=top.timesteps,
        encoder=coding_from_table(encoder, "encoder"),
        layers=layers,
        training=build(TrainingSettings, table.get("training", {}), "training"),
        hardware=build(HardwareSettings, table.get("hardware", {}), "hardware"),
    )
    lanes = config.hardware.lanes
    if lanes and len(lanes) != len(layers):
        raise TwinspikeError(f"hardware.lanes has {len(lanes)} numbers: expected one a layer, {len(layers)}")
    return config
