"""Which spike codings the on-chip encoder knows."""

from ...numerics.codings import Latency, LatencyDense, Threshold, ThresholdDense
from ...numerics.errors import TwinspikeError
from ...quant.network import Network

# Those in which a pixel's step follows from its own value.
CODINGS = (Latency, LatencyDense, Threshold, ThresholdDense)


def makes(network: Network) -> bool:
    """Whether a PixelEncoder gives the events of the network's coding."""
    return type(network.encoder) in CODINGS


def check_coding(network: Network) -> None:
    """Raise TwinspikeError if no PixelEncoder gives the events of the network's coding."""
    if not makes(network):
        raise TwinspikeError(
            f"hardware.pixels: the coding {network.encoder.kind} of {network.name} is not made on the chip; "
            f"those that are: {', '.join(coding.kind for coding in CODINGS)}"
        )
