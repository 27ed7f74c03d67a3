"""A NIR network run by the framework that it came from, through that framework's own importer.

What a file does not say (how neurons reset) is set as the user says. The frameworks are optional.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...numerics.errors import TwinspikeError
from ...quant.dialects import DIALECTS
from ...quant.floating import time_constants
from ...quant.nir_graph import NEURONS, Node

# Resets that each framework can be told to run.
RUNS = {
    "snntorch": ("zero", "subtract", "subtract-delayed", "zero-delayed"),
    "norse": ("zero", "subtract"),
    "spikingjelly": ("zero",),
    "sinabs": ("zero", "subtract"),
    "sinabs-unnormed": ("zero", "subtract"),
}
# Rockpool is not among them: version 3.1.0 cannot import the LIF nodes that it exports.
PACKAGES = {
    "snntorch": "snntorch",
    "norse": "norse",
    "spikingjelly": "spikingjelly",
    "sinabs": "sinabs",
    "sinabs-unnormed": "sinabs",
}


def installed(framework: str) -> bool:
    """Whether the framework of a dialect (quant/dialects.py) is there to run networks."""
    package = PACKAGES.get(framework)
    return package is not None and importlib.util.find_spec(package) is not None


@torch.no_grad()
def run_in_framework(
    framework: str, nodes: Sequence[Node], spikes: np.ndarray, *, dt: float, reset: str
) -> tuple[np.ndarray, ...] | None:
    """Spikes bool [T, B, out] of each layer of a chain of nodes, for input spikes bool [T, B, in].

    None if the framework cannot run that reset. Raises TwinspikeError if its importer refuses.
    """
    if reset not in RUNS[framework]:
        return None
    try:
        with _quiet():
            graph = _graph(_finite(framework, nodes, dt), spikes.shape[2])
            module, types = _LOADERS[framework](graph, dt, reset)
            return _record(module, types, torch.from_numpy(spikes).float())
    except Exception as error:  # whatever another project's importer raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TwinspikeError(
            f"{framework} cannot run the file that it is said to have written ({reason}): check --from"
        ) from None


def _finite(framework: str, nodes: Sequence[Node], dt: float) -> list[Node]:
    """The nodes as snnTorch's importer takes them, which does not read all that its exporter writes.

    It takes 1e-4 s a step; makes thresholds of nan of infinite time constants, which beta = 1 gives; and
    wants one threshold per layer, so that where they differ weights and biases are divided by them.
    """
    if framework != "snntorch":
        return list(nodes)
    dialect = DIALECTS[framework]
    made: list[Node] = []
    for node in nodes:
        fields = dict(node.fields)
        if node.type in ("LIF", "CubaLIF"):
            name = "tau" if node.type == "LIF" else "tau_mem"
            count = max(np.size(fields[name]), np.size(fields["r"]))
            fields["r"], tau = time_constants(node, dialect, dt, count)
            fields[name] = tau * (dialect.dt / dt)
            threshold = np.asarray(fields["v_threshold"], dtype=np.float64).reshape(-1)
            if len(threshold) > 1 and (threshold != threshold[0]).any() and made:
                before = dict(made[-1].fields)
                before["weight"] = np.asarray(before["weight"]) / threshold[:, None]
                if "bias" in before:
                    before["bias"] = np.asarray(before["bias"]) / threshold
                made[-1] = Node(made[-1].name, made[-1].type, before)
                fields["v_threshold"] = np.ones_like(threshold)
            if node.type == "CubaLIF":
                fields["tau_syn"] = np.asarray(fields["tau_syn"]) * (dialect.dt / dt)
        made.append(Node(node.name, node.type, fields))
    return made


def _graph(nodes: Sequence[Node], inputs: int) -> Any:
    """The chain as a NIR graph of flat vectors: importers disagree on batch axes, Flatten and names."""
    import nir

    made: dict[str, Any] = {"input": nir.Input({"input": np.array([inputs])})}
    width = inputs
    for index, node in enumerate(nodes):
        fields = {k: np.asarray(v) for k, v in node.fields.items() if k not in ("type", "metadata")}
        if node.type in NEURONS:
            fields = {k: np.broadcast_to(v.reshape(-1), (width,)).copy() for k, v in fields.items()}
        else:
            width = len(fields["weight"])
        made[f"n{index}"] = nir.dict2NIRNode({"type": node.type, **fields})
    made["output"] = nir.Output({"output": np.array([width])})
    names = list(made)
    return nir.NIRGraph(made, list(itertools.pairwise(names)), type_check=False)


def _record(module: nn.Module, types: tuple[type, ...], spikes: Tensor) -> tuple[np.ndarray, ...]:
    """Step the module through spikes [T, B, in] and keep what its neurons give."""
    populations: list[nn.Module] = [m for m in module.modules() if isinstance(m, types)]
    trains: list[list[np.ndarray]] = [[] for _ in populations]

    def keep(index: int) -> Callable:
        def hook(_module, _inputs, output):
            given = output[0] if isinstance(output, tuple) else output
            trains[index].append((given > 0.5).numpy())

        return hook

    for index, population in enumerate(populations):
        population.register_forward_hook(keep(index))
    state = None
    for step in spikes:
        given = module(step, state)
        state = given[1] if isinstance(given, tuple) else None
    return tuple(np.stack(train) for train in trains)


def _snntorch(graph: Any, dt: float, reset: str) -> tuple[nn.Module, tuple[type, ...]]:
    import snntorch
    from snntorch.import_nir import import_from_nir

    module = import_from_nir(graph)
    types = (snntorch.Leaky, snntorch.Synaptic)
    for neurons in module.modules():
        if isinstance(neurons, types):
            neurons.reset_delay = reset.endswith("delayed")
            if reset.startswith("subtract"):
                neurons.reset_mechanism_val, neurons.state_function = torch.tensor(0), neurons._base_sub
    return module, types


def _norse(graph: Any, dt: float, reset: str) -> tuple[nn.Module, tuple[type, ...]]:
    import norse.torch
    from norse.torch.functional.reset import reset_subtract

    module = norse.torch.from_nir(graph, dt=dt, ignore_warnings=True)
    for cell in module.modules():
        if isinstance(cell, norse.torch.LIFBoxCell) and reset == "subtract":
            cell.p = cell.p._replace(reset_method=reset_subtract)
    return module, (norse.torch.LIFBoxCell, norse.torch.IAFCell)


def _spikingjelly(graph: Any, dt: float, reset: str) -> tuple[nn.Module, tuple[type, ...]]:
    from spikingjelly.activation_based.nir_exchange import from_nir

    # The neurons themselves are called past their hooks; what holds them is not.
    return from_nir.import_from_nir(graph, dt=dt), (from_nir._NIRStatefulModule,)


def _sinabs(graph: Any, reset: str, norm_input: bool) -> tuple[nn.Module, tuple[type, ...]]:
    import sinabs.layers
    from sinabs.activation import MembraneReset, MembraneSubtract, SingleSpike

    types = (sinabs.layers.LIFSqueeze, sinabs.layers.IAFSqueeze)
    module = sinabs.from_nir(graph, num_timesteps=1)
    for neurons in module.modules():
        if isinstance(neurons, types):
            # What the exporter left out, and its importer guesses otherwise.
            neurons.spike_fn, neurons.min_v_mem = SingleSpike, None
            neurons.reset_fn = MembraneReset() if reset == "zero" else MembraneSubtract()
            if type(neurons) is sinabs.layers.LIFSqueeze:  # of which IAFSqueeze is one as well
                neurons.norm_input = norm_input
    return module, types


_LOADERS = {
    "snntorch": _snntorch,
    "norse": _norse,
    "spikingjelly": _spikingjelly,
    "sinabs": lambda graph, dt, reset: _sinabs(graph, reset, norm_input=True),
    "sinabs-unnormed": lambda graph, dt, reset: _sinabs(graph, reset, norm_input=False),
}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Importers print and warn about themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
