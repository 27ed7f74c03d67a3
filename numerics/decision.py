"""Decision thresholds of single references: up to which distance a frame is one of the reference's class.

A frame that is further from its nearest reference than that one's threshold is of no class that is known.
"""

import numpy as np

# Share of a reference's own class that a fitted threshold accepts at least, where impostors let it.
ACCEPTED = 0.95


def fitted_threshold(own: np.ndarray, others: np.ndarray) -> int:
    """The least threshold that accepts `ACCEPTED` of the own class, lowered where impostors ask for it.

    Distances to one reference, int [E] of its own class and [F] of other classes, neither of them empty. The
    classes that are known say little of those that are not, which may lie much nearer: so the threshold
    stays close to its own class, and impostors only lower it, to the least one with the least sum of both
    errors' shares, own rejected and others accepted.
    """
    own, others = np.sort(own), np.sort(others)
    candidates = np.unique(np.concatenate([own, others - 1]).clip(min=0))
    rejected = 1 - np.searchsorted(own, candidates, side="right") / len(own)
    accepted = np.searchsorted(others, candidates, side="right") / len(others)
    least = int(candidates[(rejected + accepted).argmin()])
    return min(least, int(own[int(np.ceil(ACCEPTED * len(own))) - 1]))


def enrolled_threshold(own: np.ndarray, others: np.ndarray, usual: int) -> int:
    """The threshold of a reference that was made of few examples.

    `own` [E]: distances of the examples to their median; `others`: those of impostors to it, such as of the
    other classes' references (there may be none); `usual`: the network's own threshold. Examples lie
    nearer to a median that they made than others of their class will: the furthest one counts E / (E - 1)
    times, and a single one, at distance 0, says nothing, so that the usual threshold takes its place. The
    threshold lies half way between that and the nearest impostor, rounded down, and below the impostor.
    """
    spread = usual if len(own) < 2 else int(own.max()) * len(own) / (len(own) - 1)
    if not len(others):
        return int(spread)
    nearest = int(others.min())
    return max(0, min(int((spread + nearest) / 2), nearest - 1))
