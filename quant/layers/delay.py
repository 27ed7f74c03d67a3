"""Delays that learn, by interpolation between whole steps.

A delay is a real number of steps. While training is young, a spike is spread over the steps around it as a
Gaussian whose width falls (Hammouamri et al., "Learning Delays in Spiking Neural Networks using Dilated
Convolutions with Learnable Spacings", arXiv 2306.17670): wide at first, so that a delay feels inputs that lie
far away. From SOFT of the training on what counts is the whole step that the delay rounds to, in training as
in evaluation, so that what is exported is what the layers behind were trained with; the gradient remains that
of the narrowest Gaussian. The parameters are delays in units of half the reach around its middle, so that
one learning rate suits weights and delays of every reach.
"""

import dataclasses
from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from brevitas.function.ops_ste import round_ste
from torch import Tensor, nn

from ...numerics.errors import out_of_range
from ..synapses.delay import Delay, DelaySettings
from .base import SparseSpikes, Standing
from .relay import Relay
from .taps import _Within

# The share of a training in which spikes are spread, and the width in steps that they end with.
SOFT, NARROWEST = 0.5, 0.4
# Up to so many steps a matrix of them serves for each input; it grows with their square.
FEW_STEPS = 64


class QuantDelay(Relay):
    """K delays of each input, 0..reach steps; outputs are [T, B, inputs * K]."""

    def __init__(self, geometry: Delay, reach: int, learn: bool):
        super().__init__(geometry)
        self.delays, self.reach = geometry, reach
        self.width = 0.0  # of the Gaussian, in steps; 0: delays are whole
        self.place: nn.Parameter | None = None
        if learn and reach:
            self.place = nn.Parameter(torch.zeros(geometry.inputs, geometry.taps))
            self.reset_places(torch.Generator().manual_seed(0))

    @classmethod
    def of(cls, shape: tuple[int, ...], settings: DelaySettings, where: str) -> "QuantDelay":
        """The delays of a configuration's entry behind a map of `shape`."""
        inputs, steps = prod(shape), np.arange(settings.taps) * settings.dilation
        longest = settings.reach if settings.learn else int(steps.max())
        if longest > settings.reach:
            raise out_of_range(
                f"{where}.reach", settings.reach, f"at least (taps - 1) * dilation = {longest} steps"
            )
        rows = np.zeros(settings.taps) if settings.learn else steps
        geometry = Delay.over(shape, np.tile(rows.astype(np.uint8), (inputs, 1)))
        geometry.check(np.zeros(0), inputs, where)
        return cls(geometry, longest, settings.learn)

    @property
    def others(self) -> list[nn.Parameter]:
        return [] if self.place is None else [self.place]

    def reset_places(self, generator: torch.Generator) -> None:
        """Each delay anywhere within the reach, all whole steps being as likely."""
        if self.place is not None:
            with torch.no_grad():
                drawn = torch.rand(self.place.shape, generator=generator)
                self.place.copy_((drawn * (self.reach + 1) - 0.5) / (self.reach / 2) - 1)

    @property
    def soft(self) -> bool:
        return self.training and self.width > 0 and self.place is not None

    def anneal(self, share: float) -> None:
        """The width falls geometrically from half the reach to NARROWEST, at SOFT of the training."""
        widest = max(self.reach / 2, NARROWEST)
        self.width = widest * (NARROWEST / widest) ** (share / SOFT) if share < SOFT else 0.0

    def steps(self) -> Tensor:
        """Real-valued delays [inputs, K] within 0..reach; no gradient leads out of it."""
        if self.place is None:
            return torch.from_numpy(self.delays.delay.astype(np.float32))
        steps = (self.place + 1) * (self.reach / 2)
        return _Within.apply(steps, steps.new_tensor(0.0), steps.new_tensor(float(self.reach)))

    @torch.no_grad()
    def placed(self) -> Delay:
        delay = self.steps().round().to(torch.uint8).cpu().numpy()
        return dataclasses.replace(self.delays, delay=delay)

    def shares(self) -> Tensor:
        """How much of a spike comes how many steps later, [inputs, K, reach + 1]; sums of 1."""
        steps = self.steps()[..., None]
        whole = torch.arange(self.reach + 1, device=steps.device).to(steps)
        one = (steps.round() == whole).to(steps)
        if not self.training or self.place is None:
            return one
        width = self.width or NARROWEST
        spread = torch.softmax(-0.5 * ((whole - steps) / width).square(), -1)
        return spread if self.width else Standing.apply(spread, one)

    def forward(self, spikes: Tensor | SparseSpikes) -> Tensor:
        dense = spikes if isinstance(spikes, Tensor) else spikes.as_tensor()
        if self.place is None and (self.delays.delay == self.delays.delay[0]).all():
            return by_shifts(dense.clamp(max=1), self.delays.delay[0].tolist())
        shares = self.shares().to(dense.device)
        sent = (by_matrix if len(dense) <= FEW_STEPS else by_convolution)(dense.clamp(max=1), shares)
        return sent if self.soft or sent.device.type == "cpu" else round_ste(sent)


def by_shifts(spikes: Tensor, steps: Sequence[int]) -> Tensor:
    """Spikes [T, B, I] delayed alike at all inputs, tap k by `steps[k]`: [T, B, I * K]."""
    later = [min(step, len(spikes)) for step in steps]
    return torch.stack([nn.functional.pad(spikes, (0, 0, 0, 0, n, -n)) for n in later], -1).flatten(2)


def by_matrix(spikes: Tensor, shares: Tensor) -> Tensor:
    """Spikes [T, B, I] delayed by shares [I, K, D], as a product of matrices of each input: [T, B, I * K]."""
    (steps, batch, inputs), (_, taps, reach) = spikes.shape, shares.shape
    now = torch.arange(steps, device=spikes.device)
    later = now[None] - now[:, None]  # [from, to]
    inside = ((later >= 0) & (later < reach)).to(shares)
    kernel = shares[:, :, later.clamp(0, reach - 1)] * inside  # [I, K, from, to]
    matrix = kernel.permute(0, 2, 3, 1).reshape(inputs, steps, steps * taps)
    sent = torch.bmm(spikes.permute(2, 1, 0), matrix)  # [I, B, to * K]
    return sent.view(inputs, batch, steps, taps).permute(2, 1, 0, 3).reshape(steps, batch, inputs * taps)


def by_convolution(spikes: Tensor, shares: Tensor) -> Tensor:
    """The same as a convolution over time of each input by itself, for many steps."""
    padded = nn.functional.pad(spikes.permute(1, 2, 0), (shares.shape[2] - 1, 0))
    kernel = shares.flip(-1).flatten(0, 1)[:, None]
    return nn.functional.conv1d(padded, kernel, groups=spikes.shape[2]).permute(2, 0, 1)
