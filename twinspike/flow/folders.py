"""Where the flow's files lie: `build/<config>/...`, and the trained networks that ship with it."""

import dataclasses
from importlib import resources
from pathlib import Path

from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_atomically
from twinspike.quant.network import Network
from twinspike.quant.network_file import load_network

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


def pretrained(config_name: str) -> Path | None:
    """Folder of the trained network that ships for a configuration, or None."""
    folder = Path(str(resources.files("twinspike.pretrained") / config_name))
    return folder if (folder / "network.safetensors").is_file() else None


def find_network(place: Folders, config_name: str) -> Network:
    """The configuration's trained network; one that ships with twinspike is copied into the build folder.

    Raises TwinspikeError if there is neither.
    """
    if not place.network.is_file():
        source = pretrained(config_name)
        if source is None:
            raise TwinspikeError(
                f"{place.network} does not exist: train it first (make train CONFIG={config_name}, or "
                f"twinspike train --config {config_name})"
            )
        for file in sorted(source.iterdir()):
            if file.suffix in (".json", ".jsonl", ".safetensors"):
                write_atomically(place.build / file.name, file.read_bytes())
        print(f"{config_name}: using the trained network that ships with twinspike")
    return load_network(place.network)
