"""Frames as requests: packed events or raw pixels, in one piece where it takes half the device's buffer."""

from collections.abc import Iterable, Iterator

import numpy as np

from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.link import MORE, SPIKES, Op, pack_events
from ..quant.network import Network
from .channel import Channel


def event_frames(
    channel: Channel, frames: Iterable[np.ndarray], *, values: bool, spikes: bool = False
) -> Iterator[tuple[int, bytes]]:
    """Requests for frames of event words, their TICKs included; with `spikes` output spikes are asked for.

    `values`: the core reads VALUE words, those of the graded encoder.
    """
    for words in frames:
        yield from _parts(channel, Op.EVENTS, pack_events(words, values=values), spikes)


def pixel_frames(
    channel: Channel, images: np.ndarray, *, spikes: bool = False
) -> Iterator[tuple[int, bytes]]:
    """Requests for uint8 images [B, inputs], which the chip encodes."""
    for image in images:
        yield from _parts(channel, Op.PIXELS, image.tobytes(), spikes)


def as_images(images: np.ndarray, network: Network | None, inputs: int) -> np.ndarray:
    """uint8 [B, *shape] or [*shape] -> [B, *shape]; without a network the shape is [inputs]."""
    images = np.asarray(images)
    shape = network.shape if network else (inputs,)
    if images.shape == shape:
        images = images[None]
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        found = f"{images.dtype} {list(images.shape)}"
        raise out_of_range("images", found, f"uint8 {['B', *shape]}".replace("'", ""))
    return images


def _parts(channel: Channel, op: Op, payload: bytes, spikes: bool) -> Iterator[tuple[int, bytes]]:
    most = channel.largest
    # Halves of the buffer: one is on the line while the other is in the core.
    size = max(1, most // 2)
    if spikes and len(payload) > most:
        raise TwinspikeError(
            f"a frame of {len(payload)} bytes: with its output spikes this device takes {most} at most; "
            "classify it, or use an encoding with fewer spikes"
        )
    if spikes or len(payload) <= size:
        yield op | (SPIKES if spikes else 0), payload
        return
    for at in range(0, len(payload), size):
        more = MORE if at + size < len(payload) else 0
        yield op | more, payload[at : at + size]
