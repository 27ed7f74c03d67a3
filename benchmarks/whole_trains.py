"""sinabs and Rockpool, whose layers take whole trains [B, T, neurons]: networks, runs and exports.

Both are optional and neither is in the development extra (see constraints.txt). Their defaults spike more
than once a step where a membrane is far above its threshold, which no NIR file says: here they never do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

FRAMEWORKS = ("sinabs", "rockpool")


def full(count, value):
    """A value for each of `count` neurons: the same, or from the first to the second of a pair."""
    return torch.linspace(*value, count) if isinstance(value, tuple) else torch.full((count,), float(value))


def synsense(kind="LIF", *, reset="subtract", tau_mem=None, spike_threshold=1.0, **more):
    """Makes neurons of sinabs."""
    import sinabs.layers
    from sinabs.activation import MembraneReset, MembraneSubtract, SingleSpike

    reset_fn = MembraneReset() if reset == "zero" else MembraneSubtract()

    def make(n):
        each = {} if tau_mem is None else {"tau_mem": full(n, tau_mem)}
        return getattr(sinabs.layers, kind)(
            spike_threshold=full(n, spike_threshold), spike_fn=SingleSpike, reset_fn=reset_fn, **each, **more
        )

    return make


def rock(*, tau_mem=0.02, threshold=1.0, dt=1e-3):
    """Makes neurons of Rockpool. It has none without a leak: an endless tau_mem is one."""
    from rockpool.nn.modules import LIFNeuronTorch

    return lambda n: LIFNeuronTorch(
        (n,),
        tau_mem=full(n, tau_mem),
        threshold=full(n, threshold),
        dt=dt,
        max_spikes_per_dt=torch.tensor(1.0),
    )


def rockpool_network(parts: Sequence[nn.Module]) -> nn.Module:
    """Its own Sequential of torch's linear layers and its neurons."""
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LinearTorch

    made = [
        LinearTorch(
            part.weight.shape[::-1], weight=part.weight.T.detach(), bias=part.bias.detach(), has_bias=True
        )
        if isinstance(part, nn.Linear)
        else part
        for part in parts
    ]
    return Sequential(*made)


def run(network: nn.Module, spikes: Tensor) -> list[Tensor]:
    """Spikes [T, B, out] of every layer for input spikes [T, B, in], from rest."""
    for module in network.modules():
        for name in ("reset_states", "reset_state"):
            if hasattr(module, name):
                getattr(module, name)()
                break
    x, trains = spikes.transpose(0, 1), []
    for index, module in enumerate(network.children()):
        given = module(x)
        x = given[0] if isinstance(given, tuple) else given  # Rockpool gives its states too
        if index % 2:
            trains.append(x.transpose(0, 1))
    return trains


def from_sinabs(network: nn.Module, sample: Tensor):
    import sinabs

    for module in network.modules():
        if hasattr(module, "reset_states"):
            module.reset_states()
    return sinabs.to_nir(network, sample[:, None])


def from_rockpool(network: nn.Module, sample: Tensor):
    from rockpool.nn.modules.torch.nir import to_nir

    return to_nir(network, sample[:, None])


# As in exports.py.
CASES: list[tuple[str, str, Callable, float, str, float | None]] = [
    ("sinabs", "tau_mem", lambda: synsense(tau_mem=5.0), 4, "subtract", None),
    ("sinabs", "tau_mem below 1 step", lambda: synsense(tau_mem=0.8), 2, "subtract", None),
    ("sinabs", "spike_threshold", lambda: synsense(tau_mem=10.0, spike_threshold=0.4), 4, "subtract", None),
    (
        "sinabs",
        "both of each neuron",
        lambda: synsense(tau_mem=(2.0, 30.0), spike_threshold=(0.3, 1.3)),
        10,
        "subtract",
        None,
    ),
    ("sinabs", "MembraneReset", lambda: synsense(tau_mem=5.0, reset="zero"), 5, "zero", None),
    (
        "sinabs-unnormed",
        "norm_input (`--from sinabs-unnormed`)",
        lambda: synsense(tau_mem=5.0, norm_input=False),
        1,
        "subtract",
        None,
    ),
    ("sinabs", "IAF, spike_threshold", lambda: synsense("IAF", spike_threshold=1.5), 1, "subtract", None),
    (
        "sinabs",
        "IAF, MembraneReset",
        lambda: synsense("IAF", spike_threshold=(0.6, 1.5), reset="zero"),
        1,
        "zero",
        None,
    ),
    ("rockpool", "tau_mem", lambda: rock(tau_mem=0.005), 1, "subtract", None),
    ("rockpool", "threshold", lambda: rock(threshold=0.4), 1, "subtract", None),
    (
        "rockpool",
        "both of each neuron",
        lambda: rock(tau_mem=(0.002, 0.03), threshold=(0.3, 1.3)),
        1,
        "subtract",
        None,
    ),
    ("rockpool", "dt", lambda: rock(tau_mem=0.005, dt=2.5e-3), 1, "subtract", None),
    ("rockpool", "tau_mem endless", lambda: rock(tau_mem=1e7, threshold=1.2), 1, "subtract", None),
]
