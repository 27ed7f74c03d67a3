"""Where the flow's files lie: `build/<config>/...`, and the trained networks that ship with it."""

import dataclasses
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from twinspike.config import Config, load_config
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_atomically
from twinspike.quant.network import Network
from twinspike.quant.network_file import load_network

from .identity import check_current, check_owner, claim, command, is_owner, owner

GENERIC = "generic"


@dataclasses.dataclass(frozen=True)
class Folders:
    """Paths of one configuration's outputs."""

    build: Path

    @property
    def network(self) -> Path:
        return self.build / "network.safetensors"

    def target(self, name: str) -> Path:
        """The portable core lies in the build folder itself, a device's core in one of its own."""
        return self.build if name == GENERIC else self.build / name

    def rtl(self, target: str) -> Path:
        return self.target(target) / "rtl"

    def ip(self, target: str) -> Path:
        return self.target(target) / "ip"

    def sim(self, target: str) -> Path:
        return self.target(target) / "sim"

    def sim_report(self, target: str) -> Path:
        return self.build / "sim.json" if target == GENERIC else self.sim(target) / "sim.json"

    def synth(self, target: str) -> Path:
        return self.target(target) / "synth"


def folders(out: str, config_name: str) -> Folders:
    """The folders of a configuration below the output root `out`."""
    return Folders(Path(out) / config_name)


def opened(given: str, out: str, changes: Sequence[str] | None = None) -> tuple[Config, Folders]:
    """The configuration that a user names, and its folders below the output root `out`.

    `changes` are settings on top of its file; None: those with which its network was trained, as the build
    folder remembers them. Raises TwinspikeError if the folder is that of another configuration.
    """
    config = load_config(given, changes or ())
    place = folders(out, config.name)
    found = owner(place.build)
    if changes is None and found and found.changes and is_owner(config, found):
        config = load_config(given, found.changes)
    check_owner(config, place.build)
    return config, place


def pretrained(config: Config) -> Path | None:
    """Folder of a trained network that ships with twinspike and was made with these settings, or None."""
    shipped = Path(str(resources.files("twinspike.pretrained")))
    folders = sorted(path.parent for path in shipped.glob("*/network.safetensors"))
    for folder in sorted(folders, key=lambda folder: folder.name != config.name):
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        if config.trains_as(metrics["config"]):
            return folder
    return None


def pretrained_names() -> list[str]:
    """Names of the trained networks that ship with twinspike."""
    shipped = Path(str(resources.files("twinspike.pretrained")))
    return sorted(path.parent.name for path in shipped.glob("*/network.safetensors"))


def located(place: Folders, config: Config) -> Path:
    """The file of the configuration's network: in its build folder, else of those that ship.

    Raises TwinspikeError if there is neither, or if the folder is another configuration's.
    """
    check_owner(config, place.build)
    if place.network.is_file():
        return place.network
    source = pretrained(config)
    if source is None:
        raise TwinspikeError(
            f"{place.network} does not exist: train it first: {command('train', config, place.build)}"
        )
    return source / place.network.name


def copied(source: Path, build: Path) -> None:
    """Copy a network file into a build folder, with the figures and the log of its training."""
    for file in (source, *(source.parent / name for name in ("metrics.json", "train.jsonl"))):
        if file.is_file():
            name = "network.safetensors" if file == source else file.name
            write_atomically(build / name, file.read_bytes())


def find_network(place: Folders, config: Config) -> Network:
    """The configuration's trained network; one that ships with twinspike is copied into the build folder.

    Raises TwinspikeError if there is neither, and for a network that was made with other settings.
    """
    source = located(place, config)
    if source != place.network:
        copied(source, place.build)
        claim(config, place.build)
        print(f"{config.name}: using the trained network that ships with twinspike")
    network = load_network(place.network)
    check_current(network, place.network, config)
    return network
