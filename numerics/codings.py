"""Spike codings in numpy: uint8 images to spike trains. (Being filled.)"""

import dataclasses
from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

import numpy as np

from .errors import TwinspikeError
from .fields import build, setting


@dataclasses.dataclass(frozen=True)
class Coding:
    """A rule that turns 8-bit images into spikes; parameters are its dataclass fields."""

    kind: ClassVar[str]

    def addresses(self, shape: tuple[int, ...]) -> int:
        """Number of input addresses for images of `shape`."""
        return prod(shape)

    def encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        """uint8 [B, *shape] -> bool [T, B, addresses]."""
        raise NotImplementedError

    def table(self) -> dict[str, Any]:
        """The coding as the table that :func:`coding_from_table` reads back."""
        return {"kind": self.kind, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True)
class Latency(Coding):
    """One spike a pixel, brighter is earlier: step floor((255 - x) * T / 256) if x >= threshold."""

    kind: ClassVar[str] = "latency"
    threshold: int = setting(32, low=0, high=255, help="darker pixels are silent")

    def encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        x = images.reshape(len(images), -1).astype(np.int32)
        when = np.where(x >= self.threshold, (255 - x) * timesteps // 256, timesteps)
        return np.arange(timesteps)[:, None, None] == when


CODINGS: dict[str, type[Coding]] = {c.kind: c for c in (Latency,)}


def coding_from_table(table: Mapping[str, Any], where: str) -> Coding:
    """The coding named by ``table["kind"]`` with its parameters; raises TwinspikeError."""
    kind = table.get("kind")
    if kind not in CODINGS:
        raise TwinspikeError(f"{where}.kind = {kind!r} is unknown: allowed are {', '.join(CODINGS)}")
    return build(CODINGS[kind], {k: v for k, v in table.items() if k != "kind"}, where)
