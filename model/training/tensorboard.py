"""The training log as event files, which TensorBoard shows while a training goes on (extra `tensorboard`)."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...numerics.errors import TwinspikeError

FOLDER = "tensorboard"


class EventLog:
    """Event files in the folder `out`/tensorboard: the rows of the log as scalars, the settings as text.

    They are written anew, from the log so far: those of a training that goes on are those of one that was
    never interrupted. Raises TwinspikeError if the package that writes them is not installed.
    """

    def __init__(self, out: Path, settings: str, history: Sequence[Mapping[str, Any]]):
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise TwinspikeError(
                "--tensorboard needs the package tensorboardX: pip install 'twinspike[tensorboard]'"
            ) from None
        folder = out / FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        self._writer = SummaryWriter(str(folder))
        self._writer.add_text("configuration", f"```toml\n{settings}\n```")
        for row in history:
            self.add(row)

    def add(self, row: Mapping[str, Any]) -> None:
        """One epoch's row of the log, visible at once."""
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(f"training/{name}", value, row["epoch"])
        self._writer.flush()

    def conclude(self, metrics: Mapping[str, Any]) -> None:
        """The figures of the finished network, beside the last epoch; nothing can follow."""
        for name in ("macro_f1", "macro_f1_knn", "baseline_knn_macro_f1", "accuracy", "hidden_activity"):
            if name in metrics:
                self._writer.add_scalar(f"test/{name}", metrics[name], metrics["epochs"])
        self._writer.close()
