"""One-cycle learning rate (Smith & Topin, "Super-Convergence", 2018) as a pure function of the step."""

import math

WARM_UP = 0.3
START = 1 / 25
END = 1e-4 / 25


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Rate for `step` of `steps` (0-based): cosine from peak/25 up to `peak`, then down to almost 0.

    Stateless, so that an interrupted training needs only its step count to go on.
    """
    turn = WARM_UP * steps
    if step < turn:
        return peak * _cosine(START, 1.0, step / turn)
    return peak * _cosine(1.0, END, (step - turn) / (steps - turn))


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
