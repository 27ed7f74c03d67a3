"""`rate`: random spikes, more of them for a brighter pixel."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..fields import setting
from .base import Encoding, flat


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
class RateDense(Rate):
    """`rate` without sparsity: a pixel without a spike in the frame spikes in the last step, T - 1."""

    kind: ClassVar[str] = "rate-dense"
    dense: ClassVar[bool] = True

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        spikes = super()._encode(images, timesteps)
        spikes[-1] |= ~spikes.any(axis=0)
        return spikes


def mix32(x: np.ndarray) -> np.ndarray:
    """A bijective hash of 32-bit words, uint32 in and out.

    Source: C. Wellons, hash-prospector, two rounds of xor-shift and multiply. Both multipliers are
    below 2^31, so that signed 64-bit arithmetic (torch) computes it without overflow.
    """
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x735A2D97)
    return x ^ (x >> np.uint32(15))
