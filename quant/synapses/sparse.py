"""A map's weighted sums event by event: where few inputs spike, most of a convolution adds up zeros.

Every event reaches a few (place, tap) pairs. They are the entries of a sparse matrix with a row a place and
a column a weight of the channel, and one product with the weights adds them up.
"""

import numpy as np
from scipy.sparse import csr_array

# Beyond this share of inputs that spike, going through all taps is as quick.
FEW = 0.05


def few(spikes: np.ndarray) -> bool:
    """Whether so few of the inputs spike that adding up events is quicker."""
    return bool(np.count_nonzero(spikes) < FEW * spikes.size)


def event_sums(
    matrix: np.ndarray,
    frames: np.ndarray,
    channels: int,
    starts: np.ndarray,
    places: np.ndarray,
    taps: np.ndarray,
    rows: int,
) -> np.ndarray:
    """Sums [frames * rows, filters] of weights [taps * channels, filters] over frames [frames, inputs].

    The pairs of input a are (places[i], taps[i]) for i in starts[a]..starts[a + 1] - 1; inputs are
    channel-last, a % channels is a channel, and `rows` the number of places.
    """
    frame, address = np.nonzero(frames)
    reached = np.diff(starts)[address]
    event = np.repeat(np.arange(len(address)), reached)
    within = np.arange(len(event)) - np.repeat(np.cumsum(reached) - reached, reached)
    pair = starts[address[event]] + within
    row = frame[event] * rows + places[pair]
    column = taps[pair] * channels + address[event] % channels
    values = frames[frame, address].astype(matrix.dtype)[event]
    entries = csr_array((values, (row, column)), shape=(len(frames) * rows, len(matrix)))
    return np.asarray(entries @ np.ascontiguousarray(matrix))
