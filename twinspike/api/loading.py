"""`load`: a trained network by name, file or build folder."""

from __future__ import annotations

from pathlib import Path

from twinspike.config import Config, available, config_from_provenance, load_config, names_a_file
from twinspike.flow.folders import Folders, located, opened, pretrained_names
from twinspike.flow.identity import check_current, owner
from twinspike.numerics.errors import TwinspikeError, did_you_mean
from twinspike.quant.network import Network
from twinspike.quant.network_file import load_network

from .networks import Net

NETWORK_SUFFIX = ".safetensors"


def load(name: str | Path, *, out: str | Path = "build") -> Net:
    """The trained network that `name` means; torch is not needed for it.

    - a name, such as "mnist": the network in build/mnist if one was trained there, else the one that ships
    - a configuration file, `mine.toml`: the network in build/mine, for `out` = "build"
    - a network file, `network.safetensors`
    - a build folder, or one into which a network was imported

    `out` is the root of build folders, as the command line's --out. Raises TwinspikeError, one line, if there
    is no such network or its file is not sound.
    """
    given, path = str(name), Path(name)
    if names_a_file(given) or given in available():
        return configured(*opened(given, str(out)))
    if path.is_dir():
        if not Folders(path).network.is_file():
            raise TwinspikeError(f"{path}: no network.safetensors in this folder: give a build folder")
        return _in_folder(path)
    if path.suffix.lower() == NETWORK_SUFFIX:
        if path.name == Folders(path.parent).network.name and owner(path.parent):
            return _in_folder(path.parent)
        network = load_network(path)
        place = Folders(Path(out) / f"{path.stem}-{network.content_hash[:8]}")
        return Net(network, config_from_provenance(network), path, place)
    if len(path.parts) > 1 and not path.exists():
        raise TwinspikeError(
            f"{given}: there is no such folder: train a network into it first, or give another"
        )
    raise TwinspikeError(f"network {given!r} is unknown: {_meant(given)}")


def configured(config: Config, place: Folders) -> Net:
    """The network of a configuration; raises TwinspikeError if it is not trained, or with other settings."""
    source = located(place, config)
    network = load_network(source)
    check_current(network, source, config)
    return Net(network, config, source, place)


def _in_folder(build: Path) -> Net:
    place = Folders(build)
    network = load_network(place.network)
    return Net(network, _config_of(build, network), place.network, place)


def _config_of(build: Path, network: Network) -> Config | None:
    """The configuration that the folder's network was made with.

    Its file may be gone or say something else by now: what stands in the network then counts.
    """
    if found := owner(build):
        try:
            config = load_config(found.given, found.changes)
            check_current(network, build, config)
            return config
        except TwinspikeError:
            pass
    return config_from_provenance(network)


def _meant(given: str) -> str:
    names = pretrained_names()
    return (
        f"{did_you_mean(given, available())}choose {', '.join(names)}, which ship, or give a .toml file, a "
        "network's .safetensors file or a build folder"
    )
