"""`report`: one page about a network, its training and its cores."""

from __future__ import annotations

from pathlib import Path

from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.extras import explained
from twinspike.numerics.files import write_atomically

from .networks import Net


@explained("a report")
def report(net: Net, path: str | Path | None = None) -> Path:
    """Write one self-contained HTML page about a network, and return its path.

    It shows what the build folder has of it: training, simulations, placements. `path` is the page's file; by
    default report/index.html of the build folder. Raises TwinspikeError if no configuration is known.
    """
    from twinspike.reports.page import write_report

    if net.config is None:
        raise TwinspikeError(
            f"{net.source}: no configuration is known for this network: load its build folder or .toml file"
        )
    page = write_report(net.kept().build, net.config)
    if path is None:
        return page
    write_atomically(Path(path), page.read_bytes())
    return Path(path)
