"""twinspike: siamese spiking networks with an Earth Mover's Distance loss, down to FPGA netlists.

The public API, of which docs/python.md tells; the command line is written on top of it:

    import twinspike as ts

    net = ts.load("mnist")
    net.classify(images).label
    net.core(target="up5k").verilog("out")

Names are loaded when they are first used: `import twinspike` brings in no other package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinspike.api.cores import Core as Core
    from twinspike.api.cores import Simulation as Simulation
    from twinspike.api.cores import Synthesis as Synthesis
    from twinspike.api.loading import load as load
    from twinspike.api.networks import Net as Net
    from twinspike.api.reporting import report as report
    from twinspike.api.training import train as train
    from twinspike.numerics.errors import TwinspikeError as TwinspikeError

__version__ = "0.2.0"

# Public name -> the module that defines it.
_PUBLIC = {
    "Core": "twinspike.api.cores",
    "Net": "twinspike.api.networks",
    "Simulation": "twinspike.api.cores",
    "Synthesis": "twinspike.api.cores",
    "TwinspikeError": "twinspike.numerics.errors",
    "load": "twinspike.api.loading",
    "report": "twinspike.api.reporting",
    "train": "twinspike.api.training",
}
__all__ = ["Core", "Net", "Simulation", "Synthesis", "TwinspikeError", "load", "report", "train"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
