"""Whose a build folder is, and whether the network in it is that of its configuration.

A configuration is known by its file and its settings, never by the stem of its file name alone: two files
may have equal stems, and a file may be edited after its network was trained.
"""

import contextlib
import dataclasses
import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twinspike.config import Config, available, config_path, differences, load_config, names_a_file
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import parse_json, read_limited, write_atomically, write_json
from twinspike.numerics.shapes import conform
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network
from twinspike.quant.synapses.kinds import KINDS

RECORD_FILE = "configuration.json"
_RECORD = {"config": "text", "changes": ["text"]}
_MAX_RECORD_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class Owner:
    """The configuration that a build folder was made for: a shipped one's name or the path of a file, and
    the settings that `train --set` put on top of it."""

    given: str
    changes: tuple[str, ...]

    @property
    def path(self) -> Path:
        return _path(self.given)


def owner(build: Path) -> Owner | None:
    """What the folder's record says; None if there is no record. Raises TwinspikeError for a bad one."""
    path = build / RECORD_FILE
    if not path.is_file():
        return None
    try:
        found = conform(parse_json(read_limited(path, _MAX_RECORD_BYTES, "a record")), _RECORD, RECORD_FILE)
    except (TwinspikeError, ValueError) as error:
        raise TwinspikeError(f"{path}: cannot be read ({error}): delete it, then train again") from None
    given = found["config"]
    if names_a_file(given):
        # Relative to the folder, so that a project that is moved as a whole stays as it is.
        given = os.path.normpath(build.resolve() / given)
    return Owner(given, tuple(found["changes"]))


def claim(config: Config, build: Path) -> None:
    """Write into the folder whose it is; raises TwinspikeError if it is another configuration's."""
    check_owner(config, build)
    given = config.given or config.name
    if names_a_file(given):
        path = _path(given)
        try:
            given = os.path.relpath(path, build.resolve())
        except ValueError:  # another drive
            given = str(path)
    write_json(build / RECORD_FILE, {"config": given, "changes": list(config.changes)})


@contextlib.contextmanager
def claimed(config: Config, build: Path, begun: Callable[[], bool]) -> Iterator[None]:
    """The folder is the configuration's from here on, and stays it unless work in it was refused.

    An error before anything has `begun` gives the folder back to the one whose it was.
    """
    path = build / RECORD_FILE
    before = path.read_bytes() if path.is_file() else None
    claim(config, build)
    try:
        yield
    except TwinspikeError:
        if before is not None and not begun():
            write_atomically(path, before)
        raise


def is_owner(config: Config, found: Owner) -> bool:
    """Whether a record names the very file (or shipped configuration) that `config` was read from."""
    return found.path == _path(config.given or config.name)


def check_owner(config: Config, build: Path) -> None:
    """Raise TwinspikeError if the folder is that of another file whose settings are not the same."""
    found = owner(build)
    # A file that is gone was moved or given up; what its network was made with is checked all the same.
    if found is None or is_owner(config, found) or not found.path.is_file():
        return
    try:
        if load_config(found.given, found.changes) == config:
            return
    except TwinspikeError:
        pass  # no longer a configuration: certainly not this one
    raise TwinspikeError(
        f"{build} is the build folder of {_shown(found.given)}, and {config.given} is another configuration "
        "of that name: give --out DIR, rename the file, or delete the folder"
    )


def check_current(network: Network, path: Path, config: Config) -> None:
    """Raise TwinspikeError unless `network`, the one at `path`, is what `config` describes.

    A network trained here carries the settings that it was made with; one from elsewhere is held against
    what it is made of.
    """
    made = network.provenance.get("config")
    if isinstance(made, dict):
        try:
            found = config.differences(made)
        except TwinspikeError as error:
            raise TwinspikeError(f"{path}: its provenance is no configuration: {error}") from None
        verb, mend = "was trained with", f"train it again: {command('train', config, path.parent)}"
    else:
        found = _differences_of_content(network, config)
        again = command("train", config, path.parent)
        verb, mend = "has", f"give the configuration that belongs to it, or train one: {again}"
    if not found:
        return
    (key, there, here), more = found[0], len(found) - 1
    others = f" ({more} more {'settings differ' if more > 1 else 'setting differs'})" if more else ""
    given = config.given or config.name
    raise TwinspikeError(
        f"{path} {verb} {key} = {_value(there)}, {given} says {_value(here)}{others}: {mend}"
    )


def check_free(config_file: Path, build: Path) -> None:
    """Raise TwinspikeError if the folder is that of another configuration than the one to be written."""
    found = owner(build)
    if found and found.path != config_file.resolve() and found.path.is_file():
        raise TwinspikeError(f"{build} is the build folder of {_shown(found.given)}: give another --out DIR")


def command(step: str, config: Config, build: Path) -> str:
    """The command line of a step for this configuration, as its user would type it."""
    words = ["twinspike", step, "--config", config.given or config.name]
    if build.parent != Path("build"):
        words += ["--out", str(build.parent)]
    if step == "train":
        words += [word for change in config.changes for word in ("--set", change)]
    return shlex.join(words)


def record_name(config: Config, folder: str) -> str:
    """The name under which figures of `config` are kept in `folder` beside those of others.

    Raises TwinspikeError if it is that of a shipped configuration whose settings are others.
    """
    if config.name in available() and load_config(config.name) != config:
        raise TwinspikeError(
            f"{config.given} is not the shipped configuration {config.name}, whose figures are kept under "
            f"that name in {folder}: copy it to a file of another name"
        )
    return config.name


def _path(given: str) -> Path:
    if names_a_file(given):
        return Path(os.path.abspath(given)).resolve()
    return config_path(given).resolve() if given in available() else Path(given).resolve()


def _shown(given: str) -> str:
    if not names_a_file(given):
        return f"the shipped configuration {given}"
    near = os.path.relpath(given)
    return given if near.startswith("..") else near


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{len(value)} layers"
    return "nothing" if value is None else repr(value)


def _differences_of_content(network: Network, config: Config) -> list[tuple[str, Any, Any]]:
    """As :func:`twinspike.config.differences`, of what a network without provenance shows by itself."""
    layers = [_shown_by(layer) for layer in network.layers]
    asked = [_asked_of(settings) for settings in config.layers]
    # Training narrows membranes to what its images need: fewer bits than allowed are no difference.
    for mine, wanted in zip(layers, asked, strict=False):
        if "state_bits" in mine and "state_bits" in wanted:
            mine["state_bits"] = max(mine["state_bits"], wanted["state_bits"])
    there = {"timesteps": network.timesteps, "encoder": network.encoder.table(), "layers": layers}
    here = {"timesteps": config.timesteps, "encoder": config.encoder.table(), "layers": asked}
    return differences(there, here)


def _shown_by(layer: Layer) -> dict[str, Any]:
    """What a layer of a network tells of the settings that it was made with, by their names."""
    table = {"kind": layer.kind, **layer.synapses.settings_shown(), **_wiring(layer.sources, layer.combine)}
    if not layer.synapses.fires:
        return table
    weights_of = -1 if layer.weights_of is None else layer.weights_of
    return table | dataclasses.asdict(layer.spec) | {"hold": layer.hold, "weights_of": weights_of}


def _asked_of(settings: Any) -> dict[str, Any]:
    """The same of the settings; those that leave no trace in a network are left out."""
    kind = KINDS[settings.kind]
    table = {"kind": settings.kind, **{name: _listed(getattr(settings, name)) for name in kind.shown}}
    table |= _wiring(settings.sources, settings.combine)
    if not kind.fires:
        return table
    own = {"hold": settings.hold, "weights_of": settings.weights_of}
    return table | dataclasses.asdict(settings.spec) | own


def _wiring(sources: tuple[int, ...], combine: str) -> dict[str, Any]:
    return {"sources": list(sources), "combine": combine}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
