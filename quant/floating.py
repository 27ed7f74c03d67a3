"""A network of real-valued layers, as a NIR file describes it, in numpy: what quantisation starts from.

Membranes are counted from v_reset, where every frame starts, so that a reset to v_reset is one to 0.
"""

import dataclasses

import numpy as np

from ..numerics.errors import out_of_range
from ..numerics.events import MAX_ADDRESS
from .dialects import Dialect
from .nir_graph import Node


@dataclasses.dataclass(frozen=True, eq=False)
class FloatLayer:
    """u = decay v + weight S + bias; a spike where u > threshold (u >= threshold unless `strict`).

    weight [out, in]; bias, decay, threshold [out], all float64, the threshold above 0. `reset`:
    "zero": v = 0 after a spike; "subtract": v = u - threshold; "subtract-delayed": the threshold is
    subtracted from the next step's u.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray
    decay: np.ndarray
    threshold: np.ndarray
    strict: bool
    reset: str

    @property
    def neurons(self) -> int:
        return self.weight.shape[0]

    def currents(self, spikes: np.ndarray) -> np.ndarray:
        """Input spikes bool [T, B, in] -> float64 [T, B, out], bias included."""
        return spikes.astype(np.float64) @ self.weight.T + self.bias

    def fire(self, currents: np.ndarray) -> np.ndarray:
        """Spikes bool [T, B, out] of the currents [T, B, out]."""
        out = np.empty(currents.shape, dtype=bool)
        v = np.zeros(currents.shape[1:])
        for t, current in enumerate(currents):
            u = self.decay * v + current
            if self.reset == "subtract-delayed" and t:
                u -= self.threshold * out[t - 1]
            out[t] = u > self.threshold if self.strict else u >= self.threshold
            if self.reset == "zero":
                v = np.where(out[t], 0.0, u)
            else:
                v = u - self.threshold * out[t] if self.reset == "subtract" else u
        return out

    def run(self, spikes: np.ndarray) -> np.ndarray:
        return self.fire(self.currents(spikes))


def float_layer(weights: Node, neurons: Node, dialect: Dialect, dt: float, reset: str) -> FloatLayer:
    """The layer of an Affine or Linear node and a LIF, CubaLIF or IF node, stepped as `dialect` says.

    `dt` is the step in the file's seconds. Raises TwinspikeError, naming node and parameter.
    """
    weight = weights.array("weight")
    if weight.ndim != 2 or not weight.size:
        raise weights.refuse(f"its weight is {list(weight.shape)}, expected [outputs, inputs]")
    if max(weight.shape) > MAX_ADDRESS + 1:
        allowed = f"at most {MAX_ADDRESS + 1} a side"
        raise out_of_range(f"{weights} weight shape", list(weight.shape), allowed)
    count = len(weight)
    bias = _vector(weights, "bias", count) if weights.type == "Affine" else np.zeros(count)
    decay, gain, drive = _dynamics(neurons, dialect, dt, count)
    threshold = _vector(neurons, "v_threshold", count)
    rest = _vector(neurons, "v_reset", count, 0.0)
    if reset != "zero" and rest.any():
        raise neurons.refuse(
            "its v_reset is not 0, which a reset by subtraction does not use: give --reset zero"
        )
    # Exporters write r = tau / dt in 32 bits; a gain that is 1 but for that would move u off a threshold
    # that it should meet.
    gain = np.where(np.abs(gain - 1) < 1e-6, 1.0, gain)
    # Counted from v_reset: u - v_reset = decay (v - v_reset) + current + (1 - decay) (v_leak - v_reset).
    bias = gain * bias + drive - (1 - decay) * rest
    if (threshold <= rest).any():
        j = int(np.argmax(threshold <= rest))
        raise neurons.refuse(f"v_threshold[{j}] = {threshold[j]:g} must be above v_reset[{j}] = {rest[j]:g}")
    return FloatLayer(
        f"{weights.name}, {neurons.name}", weight * gain[:, None], bias, decay, threshold - rest,
        dialect.strict, reset,
    )  # fmt: skip


def _dynamics(
    node: Node, dialect: Dialect, dt: float, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factor of v, gain of the current, and constant drive of one step: three [count]."""
    r = _vector(node, "r", count)
    if node.type == "IF":
        ones = np.ones(count)
        return ones, r if dialect.if_per_step else r * dt, np.zeros(count)
    tau = _vector(node, "tau_mem" if node.type == "CubaLIF" else "tau", count)
    if (tau <= 0).any():
        raise node.refuse(f"its time constant is {tau.min():g}, expected more than 0 seconds")
    share = dt / tau
    # A time constant of one step written in 32 bits may come out a little short.
    if (share > 1 + 1e-5).any():
        raise node.refuse(
            f"a step of {dt:g} s is {share.max():.4g} time constants ({tau.min():g} s), expected at most 1: "
            "say which framework wrote the file (--from) or how long a step is (--dt)"
        )
    share = np.minimum(share, 1.0)
    if node.type == "CubaLIF":
        r = r * _synapse(node, dt, count)
    return 1 - share, share * r, share * _vector(node, "v_leak", count)


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


def _vector(node: Node, field: str, count: int, default: float | None = None) -> np.ndarray:
    """A parameter for each of `count` neurons; one value serves all."""
    found = node.array(field, default)
    if found.size == 1:
        return np.full(count, float(found.reshape(-1)[0]))
    if found.size != count:
        raise node.refuse(f"its {field} has {found.size} values, expected 1 or {count}")
    return found.reshape(-1)
