"""One time step of an integer leaky integrate-and-fire population (numpy).

    u = clamp(leak(v) + bias + current)
    s = (u >= threshold) and not (single_spike and already fired in this frame)
    v = u - threshold on a spike with reset "subtract", 0 with reset "zero", u otherwise

with leak(v) = v - (v >> k), arithmetic shift, and k = 0 for no leak; or leak(v) = 0 for neurons that
forget, whose membranes keep nothing from step to step.
"""

import numpy as np


def state_range(state_bits: int) -> tuple[int, int]:
    """Lowest and highest membrane potential of `state_bits` bits, two's complement."""
    return -(1 << (state_bits - 1)), (1 << (state_bits - 1)) - 1


def leak(v: np.ndarray, leak_shift: int, forget: bool = False) -> np.ndarray:
    """v - (v >> leak_shift); no leak at 0; nothing with `forget`. numpy's >> on signed integers is
    arithmetic."""
    if forget:
        return np.zeros_like(v)
    return v if leak_shift == 0 else v - (v >> leak_shift)


def step(
    v: np.ndarray,
    fired: np.ndarray,
    current: np.ndarray,
    bias: np.ndarray,
    threshold: np.ndarray,
    *,
    leak_shift: int,
    reset: str,
    single_spike: bool,
    state_bits: int,
    forget: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Advance [B, N] membranes by one step; returns (v, fired, spikes).

    `v` and `current` are integers, `fired` and `spikes` bool; `current` is the weighted sum of
    the inputs that spike in this step. Nothing is modified in place.
    """
    total = leak(v, leak_shift, forget) + bias + current
    return fire(total, fired, threshold, reset=reset, single_spike=single_spike, state_bits=state_bits)


def fire(
    total: np.ndarray,
    fired: np.ndarray,
    threshold: np.ndarray,
    *,
    reset: str,
    single_spike: bool,
    state_bits: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rest of a step, from the sum before the clamp; as :func:`step`."""
    u = np.clip(total, *state_range(state_bits))
    spikes = u >= threshold
    if single_spike:
        spikes = spikes & ~fired
    v = np.where(spikes, u - threshold if reset == "subtract" else 0, u)
    return v, fired | spikes, spikes
