"""Which spike encodings the on-chip encoder knows."""

from ...numerics.encodings import Latency, LatencyDense, Threshold, ThresholdDense
from ...numerics.errors import TwinspikeError
from ...quant.network import Network

# Those in which a pixel's step follows from its own value.
ENCODINGS = (Latency, LatencyDense, Threshold, ThresholdDense)


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
