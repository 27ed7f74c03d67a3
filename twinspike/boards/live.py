"""Test recordings of a dataset, streamed to a device at their own pace."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from twinspike.config import Config
from twinspike.host import Device
from twinspike.model.data.recorded import RECORDED, recorded_entries
from twinspike.numerics.encodings.frames import live_frames, step_microseconds
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.recordings import Recording
from twinspike.quant.network import Network

from .stream import replay


def recordings_to_stream(config: Config, count: int) -> list[Recording]:
    """The first `count` recordings that measure; raises TwinspikeError for a dataset without recordings."""
    step_microseconds(config.encoder)
    if config.dataset not in RECORDED:
        raise TwinspikeError(
            f"--stream: dataset {config.dataset} is none of {', '.join(RECORDED)}: serve the board by "
            "sim-board --serve and replay files of your own by device stream"
        )
    entries = recorded_entries(config.dataset, config.data.fold)
    return [entry.read() for entry in islice((entry for entry in entries if entry.part == "test"), count)]


def stream_recordings(
    device: Device, network: Network, recordings: Sequence[Recording], tell: Callable[[str], None] = print
) -> dict[str, Any]:
    """Replay recordings one by one at their own pace; each answer is held against the golden model's.

    Gives {recordings, seconds, answers, different, behind}: seconds that the recordings last, and by how many
    the latest answer followed the end of its frame.
    """
    found: dict[str, Any] = {"recordings": len(recordings), "seconds": 0.0, "answers": 0}
    found |= {"different": 0, "behind": 0.0}
    for recording in recordings:
        frames = live_frames(network.encoder, recording, network.timesteps)
        done = replay(device, network, frames, check=True, tell=tell)
        found["seconds"] += recording.duration / 1e6
        found["answers"] += done.frames
        found["different"] += done.different
        found["behind"] = max(found["behind"], round(done.behind, 3))
    return found
