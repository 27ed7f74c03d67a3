"""Spike encodings in numpy: 8-bit images to spike trains. They are the definition; hosts use them too.

Everything is integer arithmetic, so that any other implementation (the torch twins in
``twinspike.model.encodings``, a microcontroller) can agree bit for bit. Below, x is a pixel 0..255,
T the number of steps, and floor division is written //. Pixels are addressed in C order.
"""

import dataclasses
from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

import numpy as np

from .errors import TwinspikeError, out_of_range
from .events import frame_words
from .fields import build, setting
from .values import value_words

# Steps of a frame at most: beyond, an answer would take long and counts of spikes many bits.
MAX_TIMESTEPS = 1023


@dataclasses.dataclass(frozen=True)
class Encoding:
    """A rule that turns 8-bit images into spikes; parameters are its dataclass fields."""

    kind: ClassVar[str]
    # Whether an address that would stay silent for the whole frame spikes in the last step, T - 1.
    dense: ClassVar[bool] = False

    def addresses(self, shape: tuple[int, ...]) -> int:
        """Number of input addresses for images of `shape`."""
        return prod(shape)

    def encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        """uint8 [B, *shape] -> bool [T, B, addresses]; raises TwinspikeError for another dtype or T."""
        check_images(images.dtype == np.uint8, images.dtype, images.shape, timesteps)
        return self._encode(images, timesteps)

    def events(self, image: np.ndarray, timesteps: int) -> tuple[np.ndarray, np.ndarray]:
        """One image uint8 [*shape] -> its frame as (uint16 event words, bool last), TICKs included."""
        return frame_words(self.encode(np.asarray(image)[None], timesteps)[:, 0])

    def table(self) -> dict[str, Any]:
        """The encoding as the table that :func:`encoding_from_table` reads back."""
        return {"kind": self.kind, **dataclasses.asdict(self)}

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        raise NotImplementedError


class OneSpike(Encoding):
    """An encoding in which an address spikes at most once per frame."""

    def steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        """uint8 [B, *shape] -> int32 [B, addresses]: the step of the spike, `timesteps` if silent."""
        found = self._steps(images, timesteps)
        return np.minimum(found, timesteps - 1) if self.dense else found

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        raise NotImplementedError

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        steps = self.steps(images, timesteps)
        return np.arange(timesteps, dtype=np.int32)[:, None, None] == steps


@dataclasses.dataclass(frozen=True)
class Latency(OneSpike):
    """One spike a pixel, brighter is earlier, background silent.

    A pixel with x >= threshold spikes in step (255 - x) * T // 256; the others are silent.
    Source: Thorpe, Delorme, Van Rullen, "Spike-based strategies for rapid processing",
    Neural Networks 14 (2001); also time-to-first-spike encoding.
    """

    kind: ClassVar[str] = "latency"
    threshold: int = setting(32, low=0, high=255, help="darker pixels are silent")

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        return np.where(flat(images) >= self.threshold, latency(flat(images), timesteps), timesteps)


@dataclasses.dataclass(frozen=True)
class LatencyDense(Latency):
    """`latency` without sparsity: a pixel with x < threshold spikes too, in the last step, T - 1.

    Every address spikes exactly once per frame. Source: as for `latency`; the dense form is the usual
    one of software studies, for example Mostafa, "Supervised learning based on temporal encoding in
    spiking neural networks", IEEE TNNLS 29 (2018).
    """

    kind: ClassVar[str] = "latency-dense"
    dense: ClassVar[bool] = True
    threshold: int = setting(32, low=0, high=255, help="darker pixels spike in the last step")


@dataclasses.dataclass(frozen=True)
class Threshold(OneSpike):
    """All pixels with x >= threshold spike in step 0, then silence: the image as one binary frame."""

    kind: ClassVar[str] = "threshold"
    threshold: int = setting(128, low=0, high=255, help="darker pixels are silent")

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        return np.where(flat(images) >= self.threshold, 0, timesteps).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class RankOrder(OneSpike):
    """Only the order of the pixels counts, not their values.

    The F pixels with x >= threshold are ranked 0..F-1 from the brightest, equal ones by address;
    rank r spikes in step r * T // F. The others are silent.
    Source: Thorpe, Gautrais, "Rank order encoding", Computational Neuroscience: Trends in Research (1998).
    """

    kind: ClassVar[str] = "rank-order"
    threshold: int = setting(32, low=0, high=255, help="darker pixels are silent")

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        x = flat(images)
        order = np.argsort(255 - x, axis=1, kind="stable")
        rank = np.empty_like(x)
        np.put_along_axis(rank, order, np.arange(x.shape[1], dtype=np.int32)[None], axis=1)
        foreground = x >= self.threshold
        count = foreground.sum(axis=1, keepdims=True, dtype=np.int32)
        return np.where(foreground, rank * timesteps // np.maximum(count, 1), timesteps)


@dataclasses.dataclass(frozen=True)
class OnOff(OneSpike):
    """Two addresses a pixel, as in a retina: ON for brighter than the surround, OFF for darker.

    The surround of a pixel is the other pixels, n of them, of the square window of `radius` around
    it (a line segment for one-dimensional images) that lie inside the image; further leading axes
    are channels. With d = sum over the surround of (x - x_j), the contrast is c = |d| // max(n, 1).
    If c >= threshold, the ON address (d > 0) or the OFF address (d < 0) spikes in step
    (255 - c) * T // 256. Addresses 0..N-1 are ON, N..2N-1 are OFF, N the number of pixels.
    Source: Van Rullen, Thorpe, "Rate encoding versus temporal order encoding: what the retinal ganglion
    cells tell the visual cortex", Neural Computation 13 (2001), with a box for their Gaussian.
    """

    kind: ClassVar[str] = "on-off"
    threshold: int = setting(32, low=1, high=255, help="weaker contrasts are silent")
    radius: int = setting(2, low=1, high=15, help="the surround's window is 2 * radius + 1 pixels wide")

    def addresses(self, shape: tuple[int, ...]) -> int:
        return 2 * prod(shape)

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        x = images.astype(np.int32)
        inside = _box_sum(np.ones_like(x[:1]), self.radius)
        difference = x * inside - _box_sum(x, self.radius)
        contrast = np.abs(difference) // np.maximum(inside - 1, 1)
        when = np.where(contrast >= self.threshold, latency(contrast, timesteps), timesteps)
        on = np.where(difference > 0, when, timesteps)
        off = np.where(difference < 0, when, timesteps)
        return np.concatenate([on.reshape(len(x), -1), off.reshape(len(x), -1)], axis=1)


@dataclasses.dataclass(frozen=True)
class Rate(Encoding):
    """Bernoulli spikes: in every step a pixel spikes with probability x / 255 * peak / 100.

    The randomness is a counter-based hash, so a train depends on the seed and the image alone, not
    on the image's place in a batch or on the library. With h = `mix32` on 32-bit words (wrapping):

        key  = h(seed + sum over pixels i of h(256 * i + x_i))
        draw = h(h(key + i) + t)            uniform in 0..2^32 - 1
        pixel i spikes in step t  if and only if  draw * 25500 < x_i * peak * 2^32

    Source: Poisson-like rate encoding as in Diehl, Cook, "Unsupervised learning of digit recognition
    using spike-timing-dependent plasticity", Front. Comput. Neurosci. 9 (2015); counter-based
    generators: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC (2011).
    """

    kind: ClassVar[str] = "rate"
    peak: int = setting(100, low=1, high=100, help="spike probability a step of a white pixel, in percent")
    seed: int = setting(0, low=0, high=2**31 - 1, help="another seed draws other spikes")

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        x = flat(images)
        address = np.arange(x.shape[1], dtype=np.uint32)
        content = mix32(256 * address + x.astype(np.uint32)).sum(axis=1, keepdims=True, dtype=np.uint32)
        pixel = mix32(mix32(content + np.uint32(self.seed)) + address)
        limit = x.astype(np.int64) * (self.peak << 32)
        out = np.empty((timesteps, *x.shape), dtype=bool)
        for t in range(timesteps):
            out[t] = mix32(pixel + np.uint32(t)).astype(np.int64) * 25500 < limit
        return out


@dataclasses.dataclass(frozen=True)
class ThresholdDense(Threshold):
    """`threshold` without sparsity: darker pixels spike in the last step, T - 1."""

    kind: ClassVar[str] = "threshold-dense"
    dense: ClassVar[bool] = True


@dataclasses.dataclass(frozen=True)
class RankOrderDense(RankOrder):
    """`rank-order` without sparsity: pixels without a rank spike in the last step, T - 1."""

    kind: ClassVar[str] = "rank-order-dense"
    dense: ClassVar[bool] = True


@dataclasses.dataclass(frozen=True)
class OnOffDense(OnOff):
    """`on-off` without sparsity: addresses without contrast spike in the last step, T - 1."""

    kind: ClassVar[str] = "on-off-dense"
    dense: ClassVar[bool] = True


@dataclasses.dataclass(frozen=True)
class RateDense(Rate):
    """`rate` without sparsity: a pixel without a spike in the frame spikes in the last step, T - 1."""

    kind: ClassVar[str] = "rate-dense"
    dense: ClassVar[bool] = True

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        spikes = super()._encode(images, timesteps)
        spikes[-1] |= ~spikes.any(axis=0)
        return spikes


@dataclasses.dataclass(frozen=True)
class Graded(Encoding):
    """A pixel x spikes x >> (8 - bits) times in step 0: its brightness itself, as a multiplicity.

    Meant for a first layer that holds its input, which then counts in every step: the usual "direct
    encoding" of an image. Source: Rueckauer et al., "Conversion of continuous-valued deep networks to
    efficient event-driven networks", Front. Neurosci. 11 (2017).
    """

    kind: ClassVar[str] = "graded"
    bits: int = setting(4, low=1, high=4, help="so many of a pixel's highest bits count")

    def encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        """uint8 [B, *shape] -> uint8 [T, B, addresses], how often each address spikes."""
        return super().encode(images, timesteps)

    def events(self, image: np.ndarray, timesteps: int) -> tuple[np.ndarray, np.ndarray]:
        return value_words(self.encode(np.asarray(image)[None], timesteps)[:, 0])

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        x = flat(images)
        out = np.zeros((timesteps, *x.shape), dtype=np.uint8)
        out[0] = x >> (8 - self.bits)
        return out


def mix32(x: np.ndarray) -> np.ndarray:
    """A bijective hash of 32-bit words, uint32 in and out.

    Source: C. Wellons, hash-prospector, two rounds of xor-shift and multiply. Both multipliers are
    below 2^31, so that signed 64-bit arithmetic (torch) computes it without overflow.
    """
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x735A2D97)
    return x ^ (x >> np.uint32(15))


def flat(images: np.ndarray) -> np.ndarray:
    """[B, *shape] -> int32 [B, pixels]."""
    return images.reshape(len(images), prod(images.shape[1:])).astype(np.int32)


def latency(strength: np.ndarray, timesteps: int) -> np.ndarray:
    """Step (255 - strength) * T // 256 of a strength 0..255: the strongest comes first, in step 0."""
    return (255 - strength) * timesteps // 256


def check_images(
    is_uint8: bool, dtype: object, shape: tuple[int, ...], timesteps: int, most: int = MAX_TIMESTEPS
) -> None:
    """Refuse what an encoding cannot encode; shared with the torch twins, which take fewer steps."""
    if not is_uint8:
        raise out_of_range("images dtype", str(dtype), "uint8, pixels 0..255")
    if len(shape) < 2 or prod(shape[1:]) < 1:
        raise out_of_range("images shape", tuple(shape), "[B, *shape] with at least one pixel per image")
    if not isinstance(timesteps, (int, np.integer)) or not 1 <= timesteps <= most:
        raise out_of_range("timesteps", timesteps, f"an integer in 1..{most}")


def _box_sum(x: np.ndarray, radius: int) -> np.ndarray:
    """Sum over the window of `radius` along the last two axes (the last one of [B, n]), zero outside."""
    for axis in range(max(1, x.ndim - 2), x.ndim):
        width = [(radius, radius) if a == axis else (0, 0) for a in range(x.ndim)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, width), 2 * radius + 1, axis)
        x = windows.sum(axis=-1, dtype=np.int32)
    return x


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
    )
}


def encoding_from_table(table: Mapping[str, Any], where: str) -> Encoding:
    """The encoding named by ``table["kind"]`` with its parameters; raises TwinspikeError."""
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in ENCODINGS:
        raise TwinspikeError(f"{where}.kind = {kind!r} is unknown: allowed are {', '.join(ENCODINGS)}")
    return build(ENCODINGS[kind], {k: v for k, v in table.items() if k != "kind"}, where)
