"""A configuration: one TOML file, one frozen dataclass. Unknown keys and bad values are refused."""

import dataclasses
import json
import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinspike.hw.settings import HardwareSettings
from twinspike.model.data.recorded import RECORDED
from twinspike.model.data.settings import DataSettings
from twinspike.model.data.shipped import DATASETS
from twinspike.model.settings import TrainingSettings
from twinspike.numerics.encodings import MAX_TIMESTEPS, Encoding, encoding_from_table
from twinspike.numerics.errors import TwinspikeError, did_you_mean, out_of_range
from twinspike.numerics.fields import build, setting
from twinspike.numerics.files import read_limited
from twinspike.quant.spec import LayerSettings
from twinspike.quant.synapses.kinds import KINDS

if TYPE_CHECKING:
    from twinspike.quant.network import Network

# Datasets that have names.
NAMES = (*DATASETS, *RECORDED)
_SECTIONS = ("encoder", "data", "layers", "training", "hardware")
# Sections that have the same settings in every configuration, and settings that came after networks were
# made: at their defaults they are left out of tables, so that those networks stay what they are.
_SETTINGS = {"data": DataSettings, "training": TrainingSettings, "hardware": HardwareSettings}
_NEWER = {
    "data": ("classes", "beside", "variants"),
    "training": ("validate", "spread_spikes", "activity_price", "references"),
}
# Far more than sixteen layers and every setting take.
MAX_FILE_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that one run of the flow depends on.

    `given` is what the user named it by, a shipped configuration or a file, and `changes` are settings of
    the command line on top of it; neither is part of what two configurations are compared by.
    """

    name: str
    dataset: str
    seed: int
    timesteps: int
    encoder: Encoding
    layers: tuple[LayerSettings, ...]
    training: TrainingSettings
    hardware: HardwareSettings
    data: DataSettings = dataclasses.field(default_factory=DataSettings)
    readout: str = "emd"
    given: str = dataclasses.field(default="", compare=False)
    changes: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    def table(self) -> dict[str, Any]:
        """The configuration as JSON-ready values, for provenance and for change detection."""
        layers = [layer.table() for layer in self.layers]
        table = {**dataclasses.asdict(self), "encoder": self.encoder.table(), "layers": layers}
        del table["given"], table["changes"]
        # Networks that were made before there was such a section, or setting (_NEWER), stay what they are.
        if self.data == DataSettings():
            del table["data"]
        if self.readout == "emd":
            del table["readout"]
        for section, keys in _NEWER.items():
            usual = _SETTINGS[section]()
            for key in keys:
                if section in table and table[section][key] == getattr(usual, key):
                    del table[section][key]
        return table

    @property
    def dataset_path(self) -> Path:
        """Where a dataset of one's own lies: beside the configuration's file, unless its path is absolute."""
        beside = Path(self.given).parent if names_a_file(self.given) else Path()
        return (beside / Path(self.dataset).expanduser()).resolve()

    def training_table(self) -> dict[str, Any]:
        """The part that a trained network depends on: no name, and of the hardware what its clocks cost."""
        table = json.loads(json.dumps(self.table()))
        hardware = table.pop("hardware")
        del table["name"]
        if self.training.cycles_weight or self.training.spread_spikes:
            table["hardware"] = {key: hardware[key] for key in ("lanes", "events_per_clock", "slots")}
        return table

    def trains_as(self, table: dict[str, Any]) -> bool:
        """Whether a network made with the settings in `table` (as of :meth:`table`, perhaps of an
        older version that had fewer) is one of this configuration; the name does not count, and the
        hardware only where it is trained for."""
        return not self.differences(table)

    def differences(self, table: dict[str, Any]) -> list[tuple[str, Any, Any]]:
        """(key, there, here) for each setting in which a network made with `table` is none of this one.

        Raises TwinspikeError if `table` is no configuration.
        """
        there = config_of_age(self.name, table)
        return differences(there.training_table(), self.training_table())

    def toml(self) -> str:
        """The configuration as a TOML file that :func:`load_config` reads back."""
        table = self.table()
        del table["name"]
        text = "".join(f"{line}\n" for line in _toml_lines(table))
        for section in [name for name in _SECTIONS if name != "layers" and name in table]:
            text += f"\n[{section}]\n" + "".join(f"{line}\n" for line in _toml_lines(table[section]))
        for layer in table["layers"]:
            text += "\n[[layers]]\n" + "".join(f"{line}\n" for line in _toml_lines(layer))
        return text

    def changed(self, name: str, **changes: Any) -> "Config":
        """This configuration under another name with other settings; raises TwinspikeError.

        Scalars (`seed=2`) are replaced, as is `encoder`; a table (`training={...}`) is merged, and
        `layers={...}` is merged into every layer, a list of such tables into one layer each.
        """
        table = json.loads(json.dumps(self.table()))
        del table["name"]
        if self.dataset not in NAMES:
            # It was beside a file; the result is in none, or in one that lies elsewhere.
            table["dataset"] = str(self.dataset_path)
        for key, value in changes.items():
            if key == "layers":
                each = value if isinstance(value, list) else [value] * len(table["layers"])
                table[key] = [{**old, **new} for old, new in zip(table["layers"], each, strict=True)]
            elif key in _SETTINGS:
                table[key] = {**table.get(key, {}), **value}
            else:
                table[key] = value
        return config_from_table(name, table)


@dataclasses.dataclass(frozen=True)
class TopSettings:
    """The scalars at the head of the TOML file."""

    dataset: str = setting("digits", help="a dataset's name, or the path of your own")
    seed: int = setting(1, low=0, high=2**31 - 1, help="fixes initial weights, batches and augmentation")
    timesteps: int = setting(8, low=1, high=MAX_TIMESTEPS, help="T, time steps per frame")
    readout: str = setting("emd", choices=("emd", "membrane"), help="how the output answers")


def _bring_up_to_date(table: dict[str, Any]) -> None:
    """Give the settings that an older version wrote the names and the meaning that they have now."""
    hardware, training = table.get("hardware"), table.get("training")
    if isinstance(hardware, dict) and "banks" in hardware:  # its name before version 0.2
        hardware["events_per_clock"] = hardware.pop("banks")
    for layer in table.get("layers", []):
        if isinstance(layer, dict) and "standardise" in layer:  # likewise
            layer["norm"] = "weight" if layer.pop("standardise") else "none"
    if isinstance(training, dict):  # before references were refined they were medians
        training.setdefault("reference_temperature", 0.0)


def differences(there: Any, here: Any, where: str = "") -> list[tuple[str, Any, Any]]:
    """(key, there, here) for each value in which two JSON values differ; a key is `layers.0.neurons`."""
    if isinstance(there, dict) and isinstance(here, dict):
        pairs = [(key, there.get(key), here.get(key)) for key in {**here, **there}]
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        pairs = [(str(index), *pair) for index, pair in enumerate(zip(there, here, strict=True))]
    else:
        return [] if there == here else [(where, there, here)]
    found = [differences(old, new, f"{where}.{key}" if where else key) for key, old, new in pairs]
    return [row for rows in found for row in rows]


def available() -> list[str]:
    """Names of the configurations that ship with twinspike."""
    folder = resources.files("twinspike.configs")
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def names_a_file(name: str) -> bool:
    """Whether a configuration is given by its file rather than by the name of a shipped one."""
    return name.lower().endswith(".toml")


def config_path(name: str) -> Path:
    """The TOML file of a shipped configuration, or of the path given (anything ending in .toml)."""
    if names_a_file(name):
        path = Path(name)
        if not path.is_file():
            meant = did_you_mean(path.name, [file.name for file in path.parent.glob("*.toml")])
            raise TwinspikeError(
                f"configuration file {name} does not exist: {meant}give the path of one that does, or the "
                "name of one that ships, such as digits"
            )
        return path
    if name not in available():
        if Path(name).is_file():
            raise TwinspikeError(f"configuration file {name} does not end in .toml: rename it")
        file = f"{name}.toml"
        meant = did_you_mean(file, [file]) if Path(file).is_file() else did_you_mean(name, available())
        raise TwinspikeError(
            f"configuration {name!r} is unknown: {meant}choose {', '.join(available())}, "
            "or give the path of a .toml file"
        )
    return Path(str(resources.files("twinspike.configs") / f"{name}.toml"))


def load_config(name: str, changes: Sequence[str] = ()) -> Config:
    """Read and check a configuration by name or path; raises TwinspikeError naming the bad key.

    `changes` are settings that replace the file's, `training.epochs=5` for one.
    """
    path = config_path(name)
    try:
        # Editors on Windows like to begin a file with a byte order mark.
        text = read_limited(path, MAX_FILE_BYTES, "a configuration").decode("utf-8-sig")
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad TOML, integers of thousands of digits
        raise TwinspikeError(f"{path.name}: is not sound TOML: {error}") from None
    try:
        for change in changes:
            apply_change(table, change)
        config = config_from_table(path.stem, table)
    except TwinspikeError as error:
        raise TwinspikeError(f"{path.name}: {error}") from None
    return dataclasses.replace(config, given=name, changes=tuple(changes))


def apply_change(table: dict[str, Any], change: str) -> None:
    """Set one value of a parsed TOML file, as in `training.epochs=5` or `layers.0.reset="zero"`.

    What is no TOML value is text: a shell takes quotes away. Raises TwinspikeError if there is no such
    place; whether key and value are allowed is judged with the file.
    """
    key, equals, text = change.partition("=")
    *path, last = key.strip().split(".")
    if not equals or not last:
        raise TwinspikeError(f"--set {change}: expected KEY=VALUE, such as training.epochs=5")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text.strip()
    if path == ["encoder"] and "encoder" not in table:
        table["encoder"] = {"kind": "latency"}
    place: Any = table
    for step in path:
        if isinstance(place, list):
            place = place[int(step)] if step.isdecimal() and int(step) < len(place) else None
        elif isinstance(place, dict):
            place = place.setdefault(step, {}) if step in _SECTIONS else place.get(step)
    if not isinstance(place, dict):
        raise TwinspikeError(f"--set {change}: there is no {key.strip()}; a layer's is layers.0.neurons")
    place[last] = value


def config_from_table(name: str, table: dict[str, Any]) -> Config:
    """The configuration of a parsed TOML file; raises TwinspikeError naming the bad key."""
    scalars = [f.name for f in dataclasses.fields(TopSettings)]
    for key in table:
        if key not in (*_SECTIONS, *scalars):
            names = [*scalars, *_SECTIONS]
            meant = _with_section(str(key)) or did_you_mean(str(key), names)
            raise TwinspikeError(f"{key} is unknown: {meant}allowed keys are {', '.join(names)}")
    top = build(TopSettings, {k: v for k, v in table.items() if k in scalars}, "configuration")
    check_dataset(top.dataset)
    encoder = table.get("encoder", {"kind": "latency"})
    if not isinstance(encoder, dict):
        raise TwinspikeError("encoder is not a table: write [encoder] with kind = ...")
    entries = table.get("layers")
    if not isinstance(entries, list) or not 1 <= len(entries) <= 16:
        raise TwinspikeError("layers is missing or no list: write 1 to 16 [[layers]] entries")
    layers = tuple(_layer_settings(entry, f"layers.{i}") for i, entry in enumerate(entries))
    config = Config(
        name=name,
        dataset=top.dataset,
        seed=top.seed,
        timesteps=top.timesteps,
        readout=top.readout,
        encoder=encoding_from_table(encoder, "encoder"),
        layers=layers,
        training=build(TrainingSettings, table.get("training", {}), "training"),
        hardware=build(HardwareSettings, table.get("hardware", {}), "hardware"),
        data=build(DataSettings, table.get("data", {}), "data"),
    )
    own = dataclasses.replace(config.data, classes=0, beside="")
    if config.dataset in RECORDED:
        own = dataclasses.replace(own, fold=0, validate=0.0, seed=0, speeds=(), variants=0)
    if config.dataset in NAMES and own != DataSettings():
        raise TwinspikeError(
            f"[data] but for classes and beside is for files of your own: {config.dataset} has a form already"
        )
    lanes = config.hardware.lanes
    neurons = [layer for layer in layers if layer.width]
    if lanes and len(lanes) != len(neurons):
        raise TwinspikeError(
            f"hardware.lanes has {len(lanes)} numbers: expected one per layer"
            f"{' with neurons' * (len(neurons) < len(layers))}, {len(neurons)}"
        )
    return config


def _with_section(key: str) -> str:
    """`did you mean training.epochs? Else ` of a key whose section was left out, else nothing."""
    for section, settings in _SETTINGS.items():
        if key in (f.name for f in dataclasses.fields(settings)):
            return f"did you mean {section}.{key}? Else "
    return ""


def config_of_age(name: str, table: dict[str, Any]) -> Config:
    """The configuration of a table as :meth:`Config.table` gives it, perhaps of an older version.

    Raises TwinspikeError if it is none.
    """
    settings = json.loads(json.dumps({key: value for key, value in table.items() if key != "name"}))
    _bring_up_to_date(settings)
    return config_from_table(name, settings)


def config_from_provenance(network: "Network") -> Config | None:
    """The configuration that a network was trained with, as far as its file tells; None if it does not."""
    made = network.provenance.get("config")
    try:
        return config_of_age(network.name, made) if isinstance(made, dict) else None
    except TwinspikeError:
        return None


def check_dataset(name: str) -> None:
    """Raise TwinspikeError unless a dataset has a name that is known, or is a path by the look of it."""
    if name in NAMES or any(mark in name for mark in "/\\.") or name.startswith("~"):
        return
    meant = did_you_mean(name, NAMES)
    raise TwinspikeError(
        f"configuration.dataset = {name!r} is unknown: {meant}choose {', '.join(NAMES)}, or give the path "
        f"of your own, ./{name} for one"
    )


def _layer_settings(entry: Any, where: str) -> LayerSettings:
    """One `[[layers]]` entry: the settings of its `kind`, dense unless it says otherwise."""
    if not isinstance(entry, dict):
        raise out_of_range(where, entry, "a table of settings")
    kind = entry.get("kind", "dense")
    trained = {name: found.settings for name, found in KINDS.items() if found.settings}
    if kind not in trained:
        raise out_of_range(f"{where}.kind", kind, "one of " + ", ".join(trained))
    settings = {k: v for k, v in entry.items() if k != "kind"}
    if "norm" not in settings and isinstance(settings.get("standardise"), bool):
        # Networks that were trained before there were other norms say it so.
        settings["norm"] = "weight" if settings.pop("standardise") else "none"
    return build(trained[kind], settings, where)


def _toml_lines(table: dict[str, Any]) -> list[str]:
    """`key = value` for what is no table; JSON writes numbers, names and lists of them as TOML does."""
    return [f"{key} = {json.dumps(value)}" for key, value in table.items() if key not in _SECTIONS]
