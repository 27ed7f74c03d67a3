"""How well new classes are told apart: protocols that every space is put through with the same draws."""

from typing import Any

import numpy as np

from twinspike.host.copies import distorted
from twinspike.model.data.omniglot import OneShotRun
from twinspike.study.spaces import Space

# Drawings of each class that are asked about in an episode.
ASKED = 5


def figures(shares: list[float]) -> dict[str, Any]:
    """Mean and standard deviation of shares that were right."""
    return {"mean": float(np.mean(shares)), "std": float(np.std(shares)), "draws": len(shares)}


def standard_runs(space: Space, runs: list[OneShotRun], copies: int = 0) -> dict[str, Any]:
    """Omniglot's 20 runs, 20-way 1-shot within an alphabet: share of right names, and that of each run.

    With `copies` each known drawing is enrolled with so many distorted copies of itself (host/copies.py).
    """
    right = []
    for run in runs:
        examples = [np.concatenate([known[None], distorted(known, copies)]) for known in run.known]
        references = np.stack([space.reference(space.points(own)) for own in examples])
        nearest = space.distances(space.points(run.asked), references).argmin(axis=1)
        right.append(float((nearest == run.answer).mean()))
    return figures(right) | {"runs": right}


def episodes(
    space: Space,
    points: np.ndarray,
    labels: np.ndarray,
    *,
    ways: int,
    shots: int,
    count: int,
    seed: int,
    groups: np.ndarray | None = None,
) -> dict[str, Any]:
    """`count` times `ways` classes by `shots` examples each, `ASKED` others of each class to be named.

    Classes are drawn from all, or with `groups` (one for each class, labels being 0, 1, ...) from one group,
    drawn first among those with enough classes.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    pools = [np.arange(len(members))]
    if groups is not None:
        pools = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        pools = [pool for pool in pools if len(pool) >= ways]
    right = []
    for _ in range(count):
        pool = pools[rng.integers(len(pools))]
        chosen = rng.choice(pool, ways, replace=False)
        drawn = [rng.choice(members[k], shots + ASKED, replace=False) for k in chosen]
        references = np.stack([space.reference(points[own[:shots]]) for own in drawn])
        asked = np.concatenate([own[shots:] for own in drawn])
        nearest = space.distances(points[asked], references).argmin(axis=1)
        right.append(float((nearest == np.repeat(np.arange(ways), ASKED)).mean()))
    return figures(right) | {"ways": ways, "shots": shots, "asked": ASKED * ways}


def enrolled(
    space: Space,
    known: tuple[np.ndarray, np.ndarray],
    pool: tuple[np.ndarray, np.ndarray],
    asked: tuple[np.ndarray, np.ndarray],
    *,
    examples: int,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """Right names of `asked` points of new classes, enrolled by `examples` each, drawn from `pool`.

    All three are (points or references, labels). `new`: among the new classes alone; `all`: with the `known`
    references, of the classes that were there before, beside them.
    """
    rng = np.random.default_rng(seed)
    fresh = np.unique(asked[1])
    before = space.distances(asked[0], known[0]) if len(known[1]) else np.zeros((len(asked[0]), 0))
    found: dict[str, list[float]] = {"new": [], "all": []}
    for _ in range(draws):
        references = np.stack(
            [
                space.reference(
                    pool[0][rng.choice(np.flatnonzero(pool[1] == label), examples, replace=False)]
                )
                for label in fresh
            ]
        )
        distance = space.distances(asked[0], references)
        both = np.concatenate([before, distance], axis=1)
        names = np.concatenate([known[1], fresh])
        found["new"].append(float((fresh[distance.argmin(axis=1)] == asked[1]).mean()))
        found["all"].append(float((names[both.argmin(axis=1)] == asked[1]).mean()))
    return {"examples": examples} | {name: figures(shares) for name, shares in found.items()}


def open_set(score: np.ndarray, known: np.ndarray, accepted: np.ndarray) -> dict[str, Any]:
    """How well classes that are known are told from those that are not.

    `score` [B]: how far beyond its reference's threshold an image is; `known` bool [B]; `accepted` bool [B]:
    not answered as unknown, by the thresholds as they are. `false_accepts_at_95`: the share of unknown ones
    that are accepted when all thresholds are moved so that 95 % of the known ones are.
    """
    from sklearn.metrics import roc_auc_score

    limit = np.quantile(score[known], 0.95, method="higher")
    return {
        "auroc": float(roc_auc_score(~known, score)),
        "false_accepts_at_95": float((score[~known] <= limit).mean()),
        "true_accepts": float(accepted[known].mean()),
        "false_accepts": float(accepted[~known].mean()),
        "known": int(known.sum()),
        "unknown": int((~known).sum()),
    }
