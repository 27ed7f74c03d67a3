"""A network of real-valued layers, as a NIR file describes it, in numpy: what quantisation starts from.

Membranes are counted from v_reset, so that a reset to v_reset is one to 0. Frames start there, or where
the framework starts them.
"""

import dataclasses

import numpy as np
from scipy.special import lambertw

from .dialects import Dialect
from .nir_channels import by_channel, channel_neurons
from .nir_graph import Node
from .nir_weights import Weights
from .synapses.base import Synapses
from .synapses.dense import Dense
from .synapses.pool import pooled

# What stands for an endless time constant, in steps: 1 - 1 / NO_LEAK is 1 in 64 bits and in 32.
NO_LEAK = 1e20
# Most currents that are held at once: frames run in batches of fewer.
MOST_CURRENTS = 1 << 24
# A decay below this is none: a beta of 0 may come back from 32 bits a little above it.
FORGETS = 1e-4


@dataclasses.dataclass(frozen=True, eq=False)
class FloatLayer:
    """u = decay v + weight S + bias; a spike where u > threshold (u >= threshold unless `strict`).

    weight [channels, ...] by the kind of `synapses`, [out, in] of a dense layer, which needs none; bias,
    decay, threshold [channels], one an output of a dense layer, all float64, the threshold above 0. `reset`:
    "zero": v = 0 after a spike; "subtract": v = u - threshold; "subtract-delayed": the threshold is
    subtracted from the next step's u; "subtract-once": as "subtract", but where v is above the threshold
    still, the next spike needs u above twice the threshold; "zero-delayed": the step after a spike ends
    at 0, whatever comes in. `start` [channels] is v before the first step;
    None: 0, as in the core. Steps are computed in the precision of the weights. Inputs pass `pools` first.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray
    decay: np.ndarray
    threshold: np.ndarray
    strict: bool
    reset: str
    start: np.ndarray | None = None
    synapses: Synapses = None  # type: ignore[assignment]
    pools: tuple[Synapses, ...] = ()

    def __post_init__(self) -> None:
        if self.synapses is None:
            object.__setattr__(self, "synapses", Dense(self.weight.shape[1], self.weight.shape[0]))

    @property
    def inputs(self) -> int:
        return (*self.pools, self.synapses)[0].inputs

    @property
    def neurons(self) -> int:
        return self.synapses.neurons

    @property
    def channels(self) -> int:
        """Values that bias, decay and threshold have: one a neuron, or one a channel of a map."""
        return self.synapses.channels

    def currents(self, spikes: np.ndarray) -> np.ndarray:
        """Input spikes bool [T, B, in] -> currents [T, B, out], bias included."""
        return self.synapses.sums(self.weight, pooled(self.pools, spikes)) + self.synapses.spread(self.bias)

    def fire(self, currents: np.ndarray) -> np.ndarray:
        """Spikes bool [T, B, out] of the currents [T, B, out]."""
        out = np.empty(currents.shape, dtype=bool)
        v = np.zeros(currents.shape[1:], currents.dtype)
        if self.start is not None:
            v += self.synapses.spread(self.start)
        decay, threshold = (self.synapses.spread(values) for values in (self.decay, self.threshold))
        for t, current in enumerate(currents):
            u = decay * v + current
            if self.reset == "subtract-delayed" and t:
                u -= threshold * out[t - 1]
            if self.reset == "zero-delayed" and t:
                u[out[t - 1]] = 0
            bar = threshold
            if self.reset == "subtract-once":
                bar = bar * (1 + (v > bar))
            out[t] = u > bar if self.strict else u >= bar
            if self.reset == "zero":
                v = np.where(out[t], 0.0, u)
            else:
                v = u if self.reset.endswith("delayed") else u - threshold * out[t]
        return out

    def run(self, spikes: np.ndarray) -> np.ndarray:
        """Input spikes bool [T, B, in] -> output spikes bool [T, B, out], a batch of frames at a time."""
        steps, frames = spikes.shape[:2]
        batch = max(1, MOST_CURRENTS // max(1, steps * self.neurons))
        if frames <= batch:
            return self.fire(self.currents(spikes))
        out = np.empty((steps, frames, self.neurons), dtype=bool)
        for first in range(0, frames, batch):
            some = slice(first, first + batch)
            out[:, some] = self.fire(self.currents(spikes[:, some]))
        return out


def float_layer(weights: Weights, neurons: Node, dialect: Dialect, dt: float, reset: str) -> FloatLayer:
    """The layer of some weights and a LIF, CubaLIF or IF node, stepped as `dialect` says.

    `dt` is the step in the file's seconds. Raises TwinspikeError, naming node and parameter.
    """
    neurons = channel_neurons(neurons, weights.synapses)
    count, bias = weights.synapses.channels, weights.bias
    decay, gain, drive, start = _dynamics(neurons, dialect, dt, count)
    threshold = _vector(neurons, "v_threshold", count)
    rest = _vector(neurons, "v_reset", count, 0.0)
    if reset != "zero" and rest.any():
        raise neurons.refuse(f"its v_reset is not 0, which --reset {reset} does not use: give --reset zero")
    # Exporters write r = tau / dt in 32 bits; a gain that is 1 but for that would move u off a threshold
    # that it should meet.
    gain = np.where(np.abs(gain - 1) < 1e-6, 1.0, gain)
    # Counted from v_reset: u - v_reset = decay (v - v_reset) + current + (1 - decay) (v_leak - v_reset).
    bias = gain * bias + drive - (1 - decay) * rest
    if (threshold <= rest).any():
        j = int(np.argmax(threshold <= rest))
        raise neurons.refuse(f"v_threshold[{j}] = {threshold[j]:g} must be above v_reset[{j}] = {rest[j]:g}")
    if reset == "subtract" and dialect.name == "snntorch":
        reset = "subtract-once"
    return FloatLayer(
        f"{weights.node.name}, {neurons.name}",
        weights.weight * by_channel(gain, weights.weight),
        bias,
        decay,
        threshold - rest,
        dialect.strict,
        reset,
        None if start is None or np.array_equal(start, rest) else start - rest,
        weights.synapses,
        weights.pools,
    )


def _dynamics(
    node: Node, dialect: Dialect, dt: float, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Of one step: factor of v, gain of the current, constant drive; and v before the first one, or None.

    All are [count]; None stands for v_reset.
    """
    if node.type == "IF":
        r, ones = _vector(node, "r", count), np.ones(count)
        return ones, r if dialect.if_per_step else r * dt, np.zeros(count), None
    r, tau = time_constants(node, dialect, dt, count)
    if (tau <= 0).any():
        raise node.refuse(f"its time constant is {tau.min():g}, expected more than 0 seconds")
    share = dt / tau
    # A time constant of one step written in 32 bits may come out a little short.
    most = 1 + 1e-5 if dialect.leak == "euler" else -np.log(FORGETS)
    if (share > most).any():
        raise node.refuse(
            f"a step of {dt:g} s is {share.max():.4g} time constants ({tau.min():g} s), expected at most "
            f"{most:.3g}: "
            "say which framework wrote the file (--from) or how long a step is (--dt)"
        )
    if dialect.leak != "euler":
        return _exponential(node, dialect, share, r)
    forgets = share > 1 - FORGETS
    if forgets.any() and not forgets.all():
        j = int(np.argmax(forgets))
        raise node.refuse(
            f"neuron {j} keeps nothing of its membrane from step to step (beta = 0, a time constant of one "
            "step) and others do, which the core cannot do within a layer: train with one beta for all"
        )
    share = np.where(forgets, 1.0, share)
    if node.type == "CubaLIF":
        r = r * _synapse(node, dt, count)
    leak = _vector(node, "v_leak", count)
    return 1 - share, share * r, share * leak, leak if dialect.from_leak else None


def _exponential(
    node: Node, dialect: Dialect, share: np.ndarray, r: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """As `_dynamics`, for membranes that keep exp(-share) of themselves, of LIF nodes only."""
    if node.type != "LIF":
        raise node.refuse(
            f"in {dialect.name} its synapse keeps exp(-dt / tau_syn) of its current from step to "
            "step, and the "
            "core has no synapses with memory: train with neurons without a synapse"
        )
    decay, leak = np.exp(-share), _vector(node, "v_leak", len(share))
    if dialect.leak == "exact":
        return decay, (1 - decay) * r, (1 - decay) * leak, leak if dialect.from_leak else None
    if leak.any():
        raise node.refuse(f"its v_leak is not 0, which {dialect.name} does not have: check --from")
    gain = r * share / decay if dialect.r_is_steps else r
    if dialect.r_is_steps and not np.allclose(gain, 1, rtol=1e-2):
        raise node.refuse(
            f"its r is not exp(-dt / tau) tau / dt with dt = {share[0]:.4g} tau, as {dialect.name} "
            "writes it: "
            "check --from and --dt"
        )
    return decay, gain, np.zeros_like(decay), None


def told_steps(dialect: Dialect, r: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Seconds per step that each r tells: r = tau / dt, or ("added") exp(-a) / a with a = dt / tau."""
    return tau * lambertw(1 / r).real if dialect.leak == "added" else tau / r


def time_constants(node: Node, dialect: Dialect, dt: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """r and the membranes' time constants of a LIF or CubaLIF node, [count] each, all finite.

    snnTorch writes tau = dt / (1 - beta) and r = tau / dt, which for beta = 1, a neuron without leak, are
    infinite, and negative beyond; it runs both with beta = 1. They become NO_LEAK steps.
    """
    field = "tau_mem" if node.type == "CubaLIF" else "tau"
    if dialect.name != "snntorch":
        return _vector(node, "r", count), _vector(node, field, count)
    tau, r = (_vector(node, name, count, finite=False) for name in (field, "r"))
    endless = np.isposinf(tau) | (tau < 0) & np.isclose(r, tau / dt, rtol=1e-4)
    tau = np.where(endless, NO_LEAK * dt, tau)
    r = np.where(endless, NO_LEAK, r)
    for name, values in ((field, tau), ("r", r)):
        if not np.isfinite(values).all():
            raise node.not_finite(name)
    return r, tau


def _synapse(node: Node, dt: float, count: int) -> np.ndarray:
    """Gain of a synapse without memory: w_in."""
    tau, w_in = _vector(node, "tau_syn", count), _vector(node, "w_in", count, 1.0)
    memory = (tau != 0) & ~np.isclose(tau, dt, rtol=1e-4)
    if memory.any():
        worst = float(tau[memory][0])
        raise node.refuse(
            f"its synaptic time constant is {worst:g} s, {worst / dt:.4g} steps: only synapses without "
            "memory (tau_syn of 0 or one step) can be mapped; train with LIF, or alpha = 0"
        )
    return w_in


def _vector(
    node: Node, field: str, count: int, default: float | None = None, *, finite: bool = True
) -> np.ndarray:
    """A parameter for each of `count` neurons; one value serves all."""
    found = node.array(field, default, finite=finite)
    if found.size == 1:
        return np.full(count, float(found.reshape(-1)[0]))
    if found.size != count:
        raise node.refuse(f"its {field} has {found.size} values, expected 1 or {count}")
    return found.reshape(-1)
