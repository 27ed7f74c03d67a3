"""How far an approximation's spikes are from those they stand for, and thresholds chosen by that.

Counting the positions that differ rewards silence: a spike a step late differs twice, a missing one once.
Spike trains are therefore compared by the project's distance, the sum over t of |C_a(t) - C_b(t)|, which
grows with the delay, and by their rates.
"""

from collections.abc import Callable, Sequence

import numpy as np


def mismatch(found: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Distance of spikes bool [T, B, N] to the target's, and T for every spike too many or too few: [N].

    With N spikes in the target, no train of N spikes costs more than silence does, wherever they lie: their
    distance is at most that of the target from silence, plus T each.
    """
    timesteps, frames, neurons = target.shape
    ahead = np.zeros((frames, neurons), np.int32)
    total = np.zeros(neurons)
    for ours, theirs in zip(found, target, strict=True):
        ahead += ours
        ahead -= theirs
        total += np.abs(ahead).sum(axis=0)
    return total + timesteps * np.abs(ahead.sum(axis=0))


def choose_thresholds(
    candidates: Sequence[np.ndarray], run: Callable[[np.ndarray], np.ndarray], target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds [C] of least mismatch, and that mismatch [C] on all frames.

    The first of `candidates` ([C] each) is the plain one, and earlier ones win ties. `run` gives the spikes
    bool [T, B, N] of thresholds: C is N, or the channels of a channel-last map, whose places share them.
    Frames with even index choose; a channel keeps what they chose only if it is no worse on the others,
    which had no part in it.
    """
    channels = len(candidates[0])

    def judge(threshold: np.ndarray) -> np.ndarray:
        spikes = run(threshold)
        wrong = np.stack([mismatch(spikes[:, i::2], target[:, i::2]) for i in (0, 1)])
        return np.asarray(wrong.reshape(2, -1, channels).sum(axis=1))

    plain = judge(candidates[0])
    best, chosen = plain.copy(), candidates[0].copy()
    for threshold in candidates[1:]:
        cost = judge(threshold)
        better = cost[0] < best[0]
        best[:, better], chosen[better] = cost[:, better], threshold[better]
    worse = best[1] > plain[1]
    chosen[worse] = candidates[0][worse]
    return chosen, np.where(worse, plain, best).sum(axis=0)
