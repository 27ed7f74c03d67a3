"""ISCX VPN-nonVPN 2016 (Draper-Gil et al.): captures whose names say what was done, as flows of a minute.

Published as .pcap and .pcapng, one or several an activity, also below folders. The classes are those of the
paper on traffic (arXiv 2101.09818): chat, mail, files, sound, pictures in motion, and sharing between peers.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ...numerics.errors import TwinspikeError
from ...numerics.recordings import Flow, Recording
from .entry import Entry

# What a name holds, class by class; the first that is found counts, so that a chat over Skype is a chat.
ACTIVITIES = {
    "chat": ("chat",),
    "mail": ("email", "gmail"),
    "voip": ("audio", "voip"),
    "video": ("video", "youtube", "netflix", "vimeo", "spotify"),
    "files": ("file", "ftps", "sftp", "scp"),
    "peers": ("torrent",),
}
# Microseconds of a sample, and the fewest packets in it.
WINDOW, LEAST = 60_000_000, 10
# Every third capture of a class measures, so that no capture is in both parts.
NTH = 3


def activity(name: str) -> str:
    """The class of a capture's file name; raises TwinspikeError for one that says none."""
    small = name.lower()
    for found, words in ACTIVITIES.items():
        if any(word in small for word in words):
            return found
    known = ", ".join(word for words in ACTIVITIES.values() for word in words)
    raise TwinspikeError(f"{name}: the name says no activity: expected one of {known} in it")


def iscx(paths: list[Path], fold: int) -> Iterator[Entry]:
    """Flows of the captures, cut into samples of a minute; `paths` in the order that decides the parts."""
    from .readers.packets import read_flows  # deferred: needs a library

    seen: Counter[str] = Counter()
    for path in paths:
        label = activity(path.name)
        part = "test" if seen[label] % NTH == NTH - 1 else "train"
        seen[label] += 1
        for flow in read_flows(path, path.read_bytes()).values():
            for piece in minutes(flow):
                yield Entry(part, label, partial(_given, piece), path.name)


def minutes(flow: Flow) -> list[Flow]:
    """The pieces of `WINDOW` microseconds of a flow that have `LEAST` packets or more."""
    number = (flow.t - flow.t.min()) // WINDOW
    pieces = [Flow(flow.t[number == n], flow.size[number == n]) for n in np.unique(number)]
    return [piece for piece in pieces if len(piece) >= LEAST]


def _given(recording: Recording) -> Recording:
    return recording
