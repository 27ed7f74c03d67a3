"""The same small network trained in snnTorch, Norse and SpikingJelly, and written as NIR by each.

Input -> Linear -> leaky neurons -> Linear -> leaky neurons; the output neuron that spikes most is
the answer. Every network is trained with the framework's own neuron and surrogate gradient.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import whole_trains
from torch import Tensor, nn

DECAY = 0.9  # of a membrane each step: no power of two is near, so that a leak has to be fitted
THRESHOLD = 1.0
CONFIG = Path(__file__).parent / "interop.toml"
FRAMEWORKS = ("snntorch", "norse", "spikingjelly")


def build(framework: str, widths: tuple[int, ...], reset: str = "zero") -> nn.Module:
    """An untrained network of `framework` with widths (inputs, hidden, ..., outputs)."""
    parts: list[nn.Module] = []
    for inputs, neurons in itertools.pairwise(widths):
        linear = nn.Linear(inputs, neurons)
        nn.init.normal_(linear.weight, std=1.5 / inputs**0.5)
        nn.init.constant_(linear.bias, 0.02)
        if framework == "norse":  # its neurons scale their input by dt / tau
            linear.weight.data /= 1 - DECAY
        parts += [linear, _neurons(framework, neurons, reset)]
    if framework == "norse":
        import norse.torch

        return norse.torch.SequentialState(*parts)
    return nn.Sequential(*parts)


def _neurons(framework: str, count: int, reset: str) -> nn.Module:
    if framework == "snntorch":
        import snntorch
        from snntorch import surrogate

        # One value per neuron: exporting single ones gives nodes without a shape, which NIR refuses.
        beta, threshold = torch.full((count,), DECAY), torch.full((count,), THRESHOLD)
        return snntorch.Leaky(
            beta=beta,
            threshold=threshold,
            init_hidden=True,
            reset_mechanism=reset,
            spike_grad=surrogate.atan(),
        )
    if framework == "norse":
        import norse.torch

        ones = torch.ones(count)
        parameters = norse.torch.LIFBoxParameters(
            tau_mem_inv=ones * (1 - DECAY) / 1e-3,
            v_th=ones * THRESHOLD,
            v_leak=ones * 0,
            alpha=torch.tensor(10.0),
        )
        return norse.torch.LIFBoxCell(parameters)
    from spikingjelly.activation_based import neuron, surrogate

    return neuron.LIFNode(
        tau=1 / (1 - DECAY),
        decay_input=False,
        v_threshold=THRESHOLD,
        v_reset=0.0,
        surrogate_function=surrogate.ATan(),
    )


def run(framework: str, network: nn.Module, spikes: Tensor) -> list[Tensor]:
    """Spikes [T, B, out] of every layer for input spikes [T, B, in], from rest."""
    if framework in whole_trains.FRAMEWORKS:
        return whole_trains.run(network, spikes)
    trains: list[list[Tensor]] = [[] for _ in range(len(network) // 2)]
    if framework == "snntorch":
        for module in network[1::2]:
            module.reset_mem()
    elif framework == "spikingjelly":
        from spikingjelly.activation_based import functional

        functional.reset_net(network)
    states: list = [None] * len(network)
    for step in spikes:
        x = step
        for i, module in enumerate(network):
            if framework == "norse" and i % 2:
                x, states[i] = module(x, states[i])
            else:
                x = module(x)
            if i % 2:
                trains[i // 2].append(x)
    return [torch.stack(train) for train in trains]


def train(
    framework: str,
    widths: tuple[int, ...],
    spikes: np.ndarray,
    labels: np.ndarray,
    *,
    epochs: int,
    seed: int = 0,
    reset: str = "zero",
) -> nn.Module:
    """A network trained on spikes bool [T, B, in] with cross-entropy over output spike counts."""
    torch.manual_seed(seed)
    network = build(framework, widths, reset)
    inputs, targets = torch.from_numpy(spikes).float(), torch.from_numpy(labels)
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3 if framework != "norse" else 2e-2)
    for _ in range(epochs):
        for chosen in torch.randperm(len(targets)).split(32):
            counts = run(framework, network, inputs[:, chosen])[-1].sum(0)
            loss = nn.functional.cross_entropy(counts, targets[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network


@torch.no_grad()
def trains(framework: str, network: nn.Module, spikes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Spikes bool [T, B, out] of every layer for input spikes bool [T, B, in]."""
    return tuple(t.numpy() > 0.5 for t in run(framework, network, torch.from_numpy(spikes).float()))


def write_nir(framework: str, network: nn.Module, inputs: int, path: Path) -> None:
    """The network by the framework's own exporter, as a file."""
    import nir

    sample = torch.zeros(1, inputs)
    with _quiet():
        graph = _EXPORTERS[framework](network, sample)
    for node in graph.nodes.values():  # Norse leaves tensors, which do not become HDF5
        for name, value in vars(node).items():
            if isinstance(value, Tensor):
                setattr(node, name, value.numpy())
    nir.write(path, graph)


def _from_snntorch(network: nn.Module, sample: Tensor):
    from snntorch.export_nir import export_to_nir

    for module in network[1::2]:
        module.reset_mem()
    return export_to_nir(network, sample, ignore_dims=[0])


def _from_norse(network: nn.Module, sample: Tensor):
    import norse.torch

    return norse.torch.to_nir(network, sample)


def _from_spikingjelly(network: nn.Module, sample: Tensor):
    from spikingjelly.activation_based import functional, nir_exchange

    functional.reset_net(network)
    return nir_exchange.export_to_nir(network, sample)


_EXPORTERS: dict[str, Callable] = {
    "snntorch": _from_snntorch,
    "norse": _from_norse,
    "spikingjelly": _from_spikingjelly,
    "sinabs": whole_trains.from_sinabs,
    "rockpool": whole_trains.from_rockpool,
}


@contextlib.contextmanager
def _quiet():
    """Exporters print and log about themselves."""
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
