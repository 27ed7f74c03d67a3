"""`train`: a network of a configuration, on its own data or on arrays."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.config import Config, config_from_table, load_config
from twinspike.flow.folders import Folders, folders, opened
from twinspike.flow.identity import check_owner
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.extras import explained, require
from twinspike.numerics.files import write_atomically
from twinspike.quant.network_file import load_network

from .networks import Net, as_changes

Arrays = Sequence[Any]
# In the order in which `data` has them, by their names in the file.
_PARTS = (("x", "y"), ("x", "y", "x_test", "y_test"))


@explained("training")
def train(
    config: str | Path | Mapping[str, Any],
    data: Arrays | None = None,
    *,
    changes: Mapping[str, Any] | Sequence[str] = (),
    name: str = "",
    out: str | Path = "build",
    resume: bool = False,
    tensorboard: bool = False,
) -> Net:
    """Train a network, quantised throughout, and return it.

    config    a shipped configuration's name, the path of a TOML file, or a table with the file's keys:
              {"dataset": "digits", "layers": [{"neurons": 64}, {"neurons": 16}]}
    data      instead of the configuration's dataset: (x, y), of which data.test is held out to measure, or
              (x, y, x_test, y_test); x uint8 [N, ...], y integers or text [N]
    changes   settings on top, {"training.epochs": 5}
    name      of the build folder `out`/`name`, for a table or for `data` (default: the file's name, "network"
              for a table)
    resume    go on from the checkpoint in the build folder
    tensorboard  write event files for TensorBoard as well, into the build folder (extra `tensorboard`)

    Everything is written where the command line writes, so that its steps go on from there; a table and
    arrays become files of the build folder. Raises TwinspikeError, one line, for what cannot be trained; what
    the network fell short of is warned of.
    """
    require("torch")  # before anything is written
    changed = as_changes(changes)
    if isinstance(config, Mapping):
        chosen, place = _of_table(config_from_table(name or "network", dict(config)), data, out)
        chosen = load_config(chosen.given, changed)
    elif data is None:
        chosen, place = opened(str(config), str(out), changed)
    else:
        base = load_config(str(config))
        chosen, place = _of_table(dataclasses.replace(base, name=name or base.name), data, out)
        chosen = load_config(chosen.given, changed)
    net = taught(chosen, place, resume=resume, warn=_warn, tensorboard=tensorboard)
    if net is None:
        raise TwinspikeError("only the first of several processes that train together has the network")
    if line := verdict_of(net)[1]:
        _warn(line)
    return net


def taught(
    config: Config, place: Folders, *, resume: bool, warn: Callable[[str], None], tensorboard: bool = False
) -> Net | None:
    """Train `config` in its build folder; None in all but one of several processes."""
    from twinspike.flow.training import train as run

    if not run(config, place, resume=resume, warn=warn, tensorboard=tensorboard):
        return None
    return Net(load_network(place.network), config, place.network, place)


def verdict_of(net: Net) -> tuple[bool, str]:
    """Whether a network tells any two classes apart, and what is to be said about its references."""
    from twinspike.flow.training import verdict

    return verdict(net.network.references)


def _of_table(config: Config, data: Arrays | None, out: str | Path) -> tuple[Config, Folders]:
    """The configuration as a file of its build folder, with the arrays beside it if there are any."""
    place = folders(str(out), config.name)
    file = place.build / f"{config.name}.toml"
    content = _npz(data) if data is not None else None
    if content is None:
        config = config.changed(config.name)
    else:
        config = config.changed(config.name, dataset=f"data-{hashlib.sha256(content).hexdigest()[:12]}.npz")
    config = dataclasses.replace(config, given=str(file))
    check_owner(config, place.build)
    if content is not None:
        for old in place.build.glob("data-*.npz"):
            if old.name != config.dataset:
                old.unlink()
        write_atomically(place.build / config.dataset, content)
    write_atomically(file, config.toml())
    return config, place


def _npz(data: Arrays) -> bytes:
    names = next((names for names in _PARTS if len(names) == len(data)), None)
    if names is None:
        raise TwinspikeError(f"data has {len(data)} arrays: expected (x, y) or (x, y, x_test, y_test)")
    buffer = io.BytesIO()
    arrays = {name: np.asarray(array) for name, array in zip(names, data, strict=True)}
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _warn(line: str) -> None:
    warnings.warn(line, stacklevel=3)
