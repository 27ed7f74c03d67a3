"""The encodings by name: where a new one is registered."""

from collections.abc import Mapping
from typing import Any

from ..errors import TwinspikeError, did_you_mean
from ..fields import build
from .base import Encoding
from .events import Events
from .graded import Graded
from .latency import Latency, LatencyDense
from .mel import Mel
from .on_off import OnOff, OnOffDense
from .packets import Packets
from .rank_order import RankOrder, RankOrderDense
from .rate import Rate, RateDense
from .spikes import Spikes
from .threshold import Threshold, ThresholdDense

ENCODINGS: dict[str, type[Encoding]] = {
    encoding.kind: encoding
    for encoding in (
        Latency,
        LatencyDense,
        Rate,
        Threshold,
        RankOrder,
        OnOff,
        RateDense,
        ThresholdDense,
        RankOrderDense,
        OnOffDense,
        Graded,
        Spikes,
        Events,
        Mel,
        Packets,
    )
}


def encoding_from_table(table: Mapping[str, Any], where: str) -> Encoding:
    """The encoding named by ``table["kind"]`` with its parameters; raises TwinspikeError."""
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in ENCODINGS:
        meant = did_you_mean(str(kind), ENCODINGS)
        raise TwinspikeError(f"{where}.kind = {kind!r} is unknown: {meant}allowed are {', '.join(ENCODINGS)}")
    return build(ENCODINGS[kind], {k: v for k, v in table.items() if k != "kind"}, where)
