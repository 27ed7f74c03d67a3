"""What the generator derives for a wide layer: every neuron its own lane, several events per clock.

A wide layer keeps its state in registers and reads one weight row from each of E memory banks
a clock; address a lies in bank a mod E, row a // E + 1. Row 0 of every bank is zero, for a bank that
has no event in a clock. Behind a map (hw/plan/wide_conv.py) E is 1, and some addresses belong to no event:
one of them, q, gives row 0 its place, so that address a lies in row a xor q.
"""

from math import ceil, log2

import numpy as np

from ...numerics.lif import state_range
from .core import CorePlan
from .layer import LayerPlan
from .words import pack_words, signed_bits

# Clocks from one TICK to the next at least: the loop from the membrane through clamp, fire and leak.
TICK_SPACING = 3
# Adder levels between two registers of a bank tree; of the readout's (whose terms are narrower).
BANK_LEVELS, READOUT_LEVELS = 2, 3
# Steps whose spikes may wait between two stations; LUT memory is 16 deep on ECP5.
QUEUE_STEPS = 15
# References are compared so many at once that a step costs no more clocks than TICK_SPACING.
MAX_GROUPS = TICK_SPACING


def stages(terms: int, levels: int) -> int:
    """Registers of an adder tree over `terms` values with `levels` levels between registers."""
    return ceil(ceil(log2(terms)) / levels) if terms > 1 else 0


def bank_sums(banks: int) -> int:
    """Sums that a bank tree leaves, which join the step's current: two of four banks and more."""
    return 2 if banks > 2 else 1


def bank_stages(banks: int) -> int:
    """Registers of a bank tree."""
    return stages(banks // bank_sums(banks), BANK_LEVELS)


def quiet_address(plan: LayerPlan) -> int | None:
    """The first address that no event has, of a layer behind a map; None if there is none."""
    unused = np.flatnonzero(plan.arrivals < 0) if plan.arrivals is not None else np.zeros(0)
    return int(unused[0]) if len(unused) else None


def bank_rows(plan: LayerPlan) -> int:
    """Rows of each bank, the zero row included."""
    extra = quiet_address(plan) is None
    return -(-plan.inputs // plan.events_per_clock) + extra


def bank_image(plan: LayerPlan, bank: int) -> list[int]:
    """Rows of one bank, N weights each, lane 0 in the lowest bits; row 0 and absent inputs are 0."""
    rows = np.zeros((bank_rows(plan), plan.neurons), dtype=np.int64)
    codes = plan.weight_codes()
    if plan.arrivals is not None:
        codes = np.where(plan.arrivals < 0, 0, codes[:, plan.arrivals.clip(0)])
    own = codes[:, bank :: plan.events_per_clock].T
    quiet = quiet_address(plan)
    if quiet is None:
        rows[1 : 1 + len(own)] = own
    else:
        rows[np.arange(len(own)) ^ quiet] = own
    return pack_words(rows, plan.layer.spec.weight_bits)


def current_bits(plan: LayerPlan) -> int:
    """Width of one step's current, bias included: no input pattern overflows it."""
    bias = plan.layer.synapses.spread(plan.layer.bias.astype(np.int64))
    least, most = plan.layer.synapses.reach(plan.layer.weight)
    return signed_bits(int((np.minimum(bias, 0) + least).min()), int((np.maximum(bias, 0) + most).max()))


def total_bits(plan: LayerPlan) -> int:
    """Width of the current plus the leaked membrane."""
    low, high = state_range(plan.layer.spec.state_bits)
    reach = 1 << (current_bits(plan) - 1)
    return signed_bits(low - reach, high + reach - 1)


def spike_latency(plan: LayerPlan) -> int:
    """Clocks from a TICK taken by the layer's source to its spikes: 6 and the bank tree's registers."""
    return 6 + bank_stages(plan.events_per_clock)


def groups(plan: CorePlan) -> int:
    """Clocks that the readout spends on a step: at most 3, with ceil(K / groups) references at once."""
    return min(plan.references, MAX_GROUPS)


def references_at_once(plan: CorePlan) -> int:
    return -(-plan.references // groups(plan))


def readout_latency(plan: CorePlan) -> int:
    """Clocks from a frame's last spikes taken to the result's `valid`."""
    several, at_once = groups(plan), references_at_once(plan)
    rounds = ceil(log2(at_once)) + (several > 1)
    return 3 + stages(plan.layers[-1].neurons, READOUT_LEVELS) + several + rounds


def reference_rows(plan: CorePlan) -> np.ndarray:
    """Reference counts in the order of use, [T * groups, references at once, N]; 0 beyond the last one."""
    counts = plan.network.references.counts.astype(np.int64)  # [K, T, N]
    at_once = references_at_once(plan)
    padded = np.zeros((groups(plan) * at_once, *counts.shape[1:]), dtype=np.int64)
    padded[: len(counts)] = counts
    by_group = padded.reshape(groups(plan), at_once, *counts.shape[1:])
    return by_group.transpose(2, 0, 1, 3).reshape(-1, at_once, counts.shape[2])
