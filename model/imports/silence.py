"""Layers that an import has silenced: a network whose layer never spikes answers the same to everything.

Shares of equal spike positions and of equal predictions do not show it, so it is said by name.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from .drift import Rung

# Silent neurons of a layer that are worth a remark, as a share of those that spike in the original.
MANY = 0.25
# Rates that differ by this factor, and by more than chance.
FACTOR = 1.5
ADVICE = "check --from, --dt, --reset and the frames, or give more --weight-bits"


@dataclasses.dataclass(frozen=True)
class Silence:
    """One line for every layer that fell silent or spikes much more or less; `dead` if one fell silent."""

    lines: list[str]
    dead: bool


def silence(original: Rung, imported: Rung, names: Sequence[str]) -> Silence:
    """What has fallen silent from the first rung of a ladder to the network that the import gives."""
    lines, dead = [], False
    for name, base, train in zip(names, original.trains, imported.trains, strict=True):
        before, after = base.any(axis=(0, 1)), train.any(axis=(0, 1))
        lost = int((before & ~after).sum())
        if not after.any():
            dead |= bool(before.any())
            rate = f"{base.sum(axis=0).mean():.3g} times a neuron and frame in the {original.name}"
            told = f"but {rate}" if before.any() else f"nor does it in the {original.name}"
            lines.append(f"layer {name!r} never spikes in the import, {told}: {ADVICE}")
        elif not before.any():
            lines.append(f"layer {name!r} spikes in the import, but never in the {original.name}: {ADVICE}")
        elif lost > MANY * before.sum():
            lines.append(
                f"layer {name!r}: {lost} of the {before.sum()} neurons that spike in the {original.name} "
                f"never do in the import: {ADVICE}"
            )
        elif _far(base, train):
            lines.append(
                f"layer {name!r} spikes {train.sum() / base.sum():.2g} times as often as in the "
                f"{original.name}: {ADVICE}"
            )
    return Silence(lines, dead)


def _far(base: np.ndarray, train: np.ndarray) -> bool:
    before, after = int(base.sum()), int(train.sum())
    beyond = max(before, after) > FACTOR * min(before, after)
    return beyond and abs(before - after) > 3 * math.sqrt(before + after)
