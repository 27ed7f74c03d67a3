"""Which spike encodings the on-chip encoder knows."""

from ...numerics.encodings import Graded, Latency, LatencyDense, Threshold, ThresholdDense
from ...numerics.errors import TwinspikeError
from ...quant.network import Network

# Those in which a pixel's step, or how often it counts, follows from its own value.
STEPS = (Latency, LatencyDense, Threshold, ThresholdDense)
ENCODINGS = (*STEPS, Graded)


def makes(network: Network) -> bool:
    """Whether a PixelEncoder gives the events of the network's encoding."""
    return type(network.encoder) in ENCODINGS


def check_encoding(network: Network) -> None:
    """Raise TwinspikeError if no PixelEncoder gives the events of the network's encoding."""
    if not makes(network):
        raise TwinspikeError(
            f"hardware.pixels: the encoding {network.encoder.kind} of {network.name} is not made "
            "on the chip; "
            f"those that are: {', '.join(encoding.kind for encoding in ENCODINGS)}"
        )
