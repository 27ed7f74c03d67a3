"""Checkpoints of a training: one safetensors file, replaced atomically; no pickle.

All randomness is a function of (seed, epoch, step), so weights, the rule's state and the position
are all it takes to continue exactly.
"""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as dump_safetensors
from torch import Tensor, nn

from ...numerics.errors import TwinspikeError
from ...numerics.files import parse_json, read_limited, write_atomically
from ...numerics.shapes import Shape, conform
from ..rules.base import Rule

KEY = "twinspike-checkpoint"
# Weights of the widest network that a configuration can name would be larger; a machine that trains
# them has the memory, and this bounds what a bad file can ask for.
MAX_FILE_BYTES = 1 << 30
_PROGRESS: Shape = {
    "?epoch": "count",
    "?step": "count",
    "?seconds": "number",
    "?cpu_seconds": "number",
    "?sums": {"*": "number"},
    "?history": [{"*": "number"}],
}


@dataclasses.dataclass
class Progress:
    """Where a training stands: `step` batches of the current epoch are done."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    sums: dict[str, float] = dataclasses.field(default_factory=dict)
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class Stopwatch:
    """Adds the time since it was made to a progress that may have some from before, wall and CPU."""

    def __init__(self, progress: Progress):
        self.progress = progress
        self.wall = progress.seconds - time.monotonic()
        self.cpu = progress.cpu_seconds - time.process_time()

    def read(self) -> None:
        self.progress.seconds = self.wall + time.monotonic()
        self.progress.cpu_seconds = self.cpu + time.process_time()


def save_checkpoint(path: Path, network: nn.Module, rule: Rule, progress: Progress, config: dict) -> None:
    """Write everything that :func:`load_checkpoint` needs to continue; `config` must be JSON-ready."""
    metadata = {"config": config, "progress": dataclasses.asdict(progress)}
    tensors = {name: value.detach().cpu().contiguous() for name, value in _tensors(network, rule).items()}
    write_atomically(path, dump_safetensors(tensors, {KEY: json.dumps(metadata)}))


def read_checkpoint(path: Path) -> bytes:
    """The file's content; raises TwinspikeError if it cannot be read or is too large."""
    return read_limited(path, MAX_FILE_BYTES, "a checkpoint")


def config_of_checkpoint(path: Path) -> Any:
    """The configuration's table that a checkpoint was made with; None for a file that is no sound one."""
    try:
        return _metadata(read_checkpoint(path))["config"]
    except (TwinspikeError, ValueError, KeyError, TypeError):
        return None


def load_checkpoint(data: bytes, path: Path, network: nn.Module, rule: Rule, config: dict) -> Progress:
    """Restore network and rule in place from a checkpoint's content; `path` is for messages.

    Raises TwinspikeError for one that is corrupt, or of another configuration (named by key).
    """
    remedy = "train without resuming to start again"
    try:
        tensors = parse_safetensors(data)
        metadata = _metadata(data)
        saved = metadata["config"]
        progress = _progress(metadata["progress"])
    except (TwinspikeError, SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise TwinspikeError(f"{path}: is no sound checkpoint ({error}); {remedy}") from None
    difference = _difference(saved, json.loads(json.dumps(config)))
    if difference:
        raise TwinspikeError(f"{path}: was made with another configuration: {difference}; {remedy}")
    rule.prime()
    expected = _tensors(network, rule)
    if _kinds(tensors) != _kinds(expected):
        raise TwinspikeError(f"{path}: holds other tensors than this network's; {remedy}")
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise TwinspikeError(f"{path}: tensor {name} holds values that are not finite; {remedy}")
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(tensors[f"network.{name}"])
    rule.restore(tensors)
    return progress


def _metadata(data: bytes) -> Any:
    """What a checkpoint says beside its tensors."""
    header = parse_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return parse_json(header["__metadata__"][KEY])


def _progress(table: Any) -> Progress:
    """The position from its JSON; raises TwinspikeError, TypeError or ValueError if it makes no sense."""
    progress = Progress(**conform(table, _PROGRESS, "progress"))
    if len(progress.history) != progress.epoch:
        raise ValueError(f"progress.history has {len(progress.history)} rows for {progress.epoch} epochs")
    return progress


def _kinds(tensors: dict[str, Tensor]) -> dict[str, Any]:
    return {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()}


def _tensors(network: nn.Module, rule: Rule) -> dict[str, Tensor]:
    """Every tensor of the state by name: the weights, and what the rule keeps beside them."""
    return {f"network.{name}": value for name, value in network.named_parameters()} | rule.state()


def _difference(saved: Any, current: Any, where: str = "") -> str:
    """The first value that differs between two JSON values, in words; empty if they are equal."""
    if isinstance(saved, dict) and isinstance(current, dict):
        for key in sorted(saved.keys() | current.keys()):
            found = _difference(saved.get(key), current.get(key), f"{where}.{key}" if where else key)
            if found:
                return found
        return ""
    return "" if saved == current else f"{where} was {saved!r} and is now {current!r}"
