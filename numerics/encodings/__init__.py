"""Spike encodings in numpy: samples to spike trains. They are the definition; hosts use them too."""

from .base import MAX_TIMESTEPS, Encoding, OneSpike, check_images, flat, latency
from .events import Events
from .graded import Graded
from .kinds import ENCODINGS, encoding_from_table
from .latency import Latency, LatencyDense
from .mel import Mel
from .on_off import OnOff, OnOffDense
from .packets import Packets
from .rank_order import RankOrder, RankOrderDense
from .rate import Rate, RateDense, mix32
from .spikes import Spikes
from .threshold import Threshold, ThresholdDense
from .timed import Timed, check_frames

__all__ = [
    "ENCODINGS",
    "MAX_TIMESTEPS",
    "Encoding",
    "Events",
    "Graded",
    "Latency",
    "LatencyDense",
    "Mel",
    "OnOff",
    "OnOffDense",
    "OneSpike",
    "Packets",
    "RankOrder",
    "RankOrderDense",
    "Rate",
    "RateDense",
    "Spikes",
    "Threshold",
    "ThresholdDense",
    "Timed",
    "check_frames",
    "check_images",
    "encoding_from_table",
    "flat",
    "latency",
    "mix32",
]
