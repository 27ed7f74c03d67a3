"""Decision thresholds of scores, one a label, chosen for F1: SGL-Thresh and what it is compared with.

Scores are real numbers [B, K], labels bool [B, K]; label k of example b is given where score >= threshold[k].
SGL-Thresh (Pellegrini & Masquelier, "Fast threshold optimization for multi-label audio tagging using
Surrogate gradient learning", ICASSP 2021, arXiv 2103.00833) follows the gradient of F1 in which the step
at the threshold has a sigmoid's slope. The paper gives a label where score > threshold; it learns micro-F1.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

AVERAGES = ("micro", "macro")
STEPS, RATE = 200, 0.01
# Steepness at the start, of scores 0..1; it learns along with the threshold.
STEEPNESS = 50.0
# Samples of the rows for `by_bagging`.
SAMPLES = 20
# What a threshold moves by at a time for a numerical gradient, and how often at most until F1 changes.
NUDGE, NUDGES = 0.01, 10


def f1(given: np.ndarray, labels: np.ndarray, average: str) -> float:
    """F1 of decisions bool [B, K]: of all decisions together ("micro"), or the mean over labels ("macro").

    A label that is neither there nor given has an F1 of 0.
    """
    axis = None if average == "micro" else 0
    both = (given & labels).sum(axis)
    total = given.sum(axis) + labels.sum(axis)
    return float(np.mean(2 * both / np.maximum(total, 1)))


def one_for_all(scores: np.ndarray, labels: np.ndarray, average: str) -> np.ndarray:
    """One threshold [K] for all labels: of 101 quantiles of the scores that of the highest F1, the lowest of
    equals."""
    candidates = np.unique(np.quantile(scores, np.linspace(0, 1, 101)))
    found = [f1(scores >= one, labels, average) for one in candidates]
    return np.full(scores.shape[1], candidates[int(np.argmax(found))])


def by_surrogate(
    scores: np.ndarray, labels: np.ndarray, average: str, start: np.ndarray | float = 0.5, steps: int = STEPS
) -> np.ndarray:
    """Thresholds [K] by the surrogate gradient of F1, for scores 0..1: the best of all steps of Adam."""
    return _best(_surrogate_steps(scores, labels, average, start, steps), scores, labels, average)


def by_bagging(scores: np.ndarray, labels: np.ndarray, average: str, steps: int = STEPS) -> np.ndarray:
    """Thresholds [K] by the surrogate gradient, for few rows: means over samples drawn with replacement.

    Each sample's way starts at its own best threshold for all labels. All of them stop after the same number
    of steps, that of the highest F1 on the rows that the samples leave out (Breiman, "Bagging predictors",
    1996, and "Out-of-bag estimation", 1996).
    """
    generator = np.random.default_rng(0)
    ways: list[list[np.ndarray]] = []
    value = np.zeros(steps + 1)
    for _ in range(SAMPLES):
        drawn = generator.integers(0, len(scores), len(scores))
        left = np.setdiff1d(np.arange(len(scores)), drawn)
        x, wanted = scores[drawn], labels[drawn]
        way = list(_surrogate_steps(x, wanted, average, one_for_all(x, wanted, average), steps))
        value += [f1(scores[left] >= now, labels[left], average) for now in way]
        ways.append(way)
    return np.mean([way[int(np.argmax(value))] for way in ways], axis=0)


def by_differences(
    scores: np.ndarray, labels: np.ndarray, average: str, start: float = 0.5, steps: int = STEPS // 2
) -> np.ndarray:
    """Thresholds [K] by a numerical gradient of F1, for scores 0..1: the best of all steps of Adam.

    A threshold is raised until F1 changes, ten times at most, and the difference is its slope: what the paper
    of SGL-Thresh compares with.
    """
    thresholds = torch.full((scores.shape[1],), start, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([thresholds], lr=RATE)

    def differentiate(now: np.ndarray) -> None:
        before = f1(scores >= now, labels, average)
        slopes = np.zeros(len(now))
        for k in range(len(now)):
            tried = now.copy()
            for count in range(1, NUDGES + 1):
                tried[k] = now[k] + count * NUDGE
                after = f1(scores >= tried, labels, average)
                if after != before:
                    slopes[k] = (after - before) / (count * NUDGE)
                    break
        thresholds.grad = torch.from_numpy(-slopes)

    return _best(_steps(thresholds, optimiser, differentiate, steps), scores, labels, average)


def surrogate_distances(
    distance: np.ndarray, labels: np.ndarray, reference_labels: np.ndarray, average: str = "macro"
) -> np.ndarray:
    """Decision thresholds int32 [K] of references for "same if and only if distance <= threshold", by F1.

    distance int [B, K] of images to references, labels [B], reference_labels [K]. A score is what a distance
    lacks to the largest, from 0 to 1; the start is the one threshold that serves all references best.
    """
    most = max(1, int(distance.max()))
    scores = 1 - distance / most
    same = labels[:, None] == reference_labels[None, :]
    found = by_surrogate(scores, same, average, one_for_all(scores, same, average))
    # The largest whole distance whose score is not below the threshold; a hair for what division rounds.
    return np.floor((1 - found) * most + 1e-9).clip(0).astype(np.int32)


def _surrogate_steps(
    scores: np.ndarray, labels: np.ndarray, average: str, start: np.ndarray | float, steps: int
) -> Iterator[np.ndarray]:
    """Thresholds at the start and after each step along the surrogate gradient."""
    x, wanted = torch.from_numpy(scores).double(), torch.from_numpy(labels).double()
    thresholds = torch.full((scores.shape[1],), 0.0, dtype=torch.float64)
    thresholds += torch.as_tensor(start, dtype=torch.float64)
    thresholds.requires_grad_()
    steepness = torch.full_like(thresholds, STEEPNESS, requires_grad=True)
    optimiser = torch.optim.Adam([{"params": [thresholds]}, {"params": [steepness], "lr": 1.0}], lr=RATE)

    def differentiate(now: np.ndarray) -> None:
        optimiser.zero_grad()
        given = _Step.apply(x - thresholds, steepness)
        (-_soft_f1(given, wanted, average)).backward()

    return _steps(thresholds, optimiser, differentiate, steps)


def _steps(
    thresholds: Tensor,
    optimiser: torch.optim.Optimizer,
    differentiate: Callable[[np.ndarray], None],
    steps: int,
) -> Iterator[np.ndarray]:
    """Thresholds at the start and after each step; `differentiate` leaves the gradients for those given."""
    now = thresholds.detach().numpy().copy()
    yield now
    for _ in range(steps):
        differentiate(now)
        optimiser.step()
        with torch.no_grad():
            thresholds.clamp_(0, 1)
        now = thresholds.detach().numpy().copy()
        yield now


def _best(way: Iterator[np.ndarray], scores: np.ndarray, labels: np.ndarray, average: str) -> np.ndarray:
    """The thresholds of the highest F1 on the way, the first of equals."""
    return max(way, key=lambda now: f1(scores >= now, labels, average))


def _soft_f1(given: Tensor, labels: Tensor, average: str) -> Tensor:
    axis = (0, 1) if average == "micro" else (0,)
    both, total = (given * labels).sum(axis), given.sum(axis) + labels.sum(axis)
    return (2 * both / total.clamp(min=1)).mean()


class _Step(torch.autograd.Function):
    """1 where x >= 0, else 0; the gradient is that of sigmoid(steepness * x), the steepness's too."""

    @staticmethod
    def forward(ctx, x: Tensor, steepness: Tensor) -> Tensor:
        ctx.save_for_backward(x, steepness)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad: Tensor):
        x, steepness = ctx.saved_tensors
        p = torch.sigmoid(steepness * x)
        slope = grad * p * (1 - p)
        return slope * steepness, (slope * x).sum(0)
