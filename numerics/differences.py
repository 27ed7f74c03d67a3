"""Where two spike trains first differ."""

import numpy as np


def first_difference(golden: np.ndarray, got: np.ndarray) -> tuple[int, int, int] | None:
    """(frame, step, neuron) of the first difference of bool [T, B, N], frame by frame; None if equal."""
    by_frame = (golden != got).transpose(1, 0, 2)
    if not by_frame.any():
        return None
    frame, step, neuron = np.unravel_index(by_frame.argmax(), by_frame.shape)
    return int(frame), int(step), int(neuron)
