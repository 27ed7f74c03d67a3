"""A NIR graph as the chain of nodes that a feed-forward core can be: Input, layers, Output.

A layer is weights and then spiking neurons; pools and scales may stand on either side of its weights.

Nested graphs are put in place of the node that holds them. What cannot be mapped is refused with one
line that names the node, its type and why.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..numerics.errors import TwinspikeError

WEIGHTS = ("Affine", "Linear", "Conv1d", "Conv2d")
POOLS = ("SumPool2d", "AvgPool2d")
SCALES = ("Scale",)
DELAYS = ("Delay",)
NEURONS = ("LIF", "CubaLIF", "IF")
_PASSING = ("Input", "Output", "Flatten")
_REASONS = {
    "BatchNorm1d": "fold its factors into the weights before it, and its shift into their bias",
    "BatchNorm2d": "fold its factors into the weights before it, and its shift into their bias",
    "LI": "it gives no spikes: let the last layer spike, the label is the neuron that spikes most",
    "CubaLI": "it gives no spikes: let the last layer spike, the label is the neuron that spikes most",
    "I": "it gives no spikes: use IF",
    "Threshold": "it has no membrane: use IF",
}
# A node's name, after those of the nested graphs that hold it.
Path = tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """One node of the graph: its name (those of nested graphs before it), type and parameters."""

    name: str
    type: str
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.type})"

    def refuse(self, why: str) -> TwinspikeError:
        return TwinspikeError(f"{self} cannot be mapped: {why}")

    def not_finite(self, field: str) -> TwinspikeError:
        return self.refuse(f"its {field} holds values that are not finite")

    def array(self, field: str, default: float | None = None, *, finite: bool = True) -> np.ndarray:
        """A parameter as float64; raises TwinspikeError if it is bad, or missing with no default.

        Bad is what is no number and, unless `finite` is False, what is infinite.
        """
        value = self.fields.get(field, default)
        if value is None:
            raise self.refuse(f"its {field} is missing")
        try:
            found = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise self.refuse(f"its {field} holds no numbers") from None
        if finite and not np.isfinite(found).all():
            raise self.not_finite(field)
        return found


def chain(graph: Mapping[str, Any]) -> list[Node]:
    """Nodes from Input to Output in order, both and every Flatten left out.

    Raises TwinspikeError unless the graph is a single chain of supported nodes.
    """
    nodes, edges = _flat(graph, ())
    first, last = _ends(nodes, ())
    before, after = _neighbours(nodes, edges)
    order, at = [first], first
    while at != last:
        if len(after[at]) != 1:
            fed = ", ".join(str(nodes[n]) for n in after[at]) or "nothing"
            raise nodes[at].refuse(f"it feeds {fed}: the core is a single chain of layers")
        (at,) = after[at]
        if at in order or len(before[at]) != 1:
            sources = ", ".join(str(nodes[n]) for n in before[at])
            raise nodes[at].refuse(f"it is fed by {sources}: the core has no recurrent or summed connections")
        order.append(at)
    for path, node in nodes.items():
        if path not in order:
            raise node.refuse("it is not on the way from Input to Output")
    found = [nodes[path] for path in order if nodes[path].type not in _PASSING]
    for node in found:
        if node.type not in WEIGHTS + NEURONS + POOLS + SCALES + DELAYS:
            known = ", ".join(WEIGHTS + NEURONS + POOLS + SCALES + DELAYS + _PASSING)
            raise node.refuse(_REASONS.get(node.type, f"the type is unknown here: known are {known}"))
    return found


@dataclasses.dataclass(frozen=True)
class Part:
    """The nodes of one layer: pools and scales on either side of its weights, and its neurons.

    Delays are `before` its weights only.
    """

    before: tuple[Node, ...]
    weights: Node
    after: tuple[Node, ...]
    neurons: Node


def parts(nodes: list[Node]) -> list[Part]:
    """The layers of a chain; raises TwinspikeError if weights and neurons do not alternate."""
    found: list[Part] = []
    before: list[Node] = []
    after: list[Node] = []
    weights: Node | None = None
    for node in nodes:
        if node.type in NEURONS:
            if weights is None:
                raise node.refuse("no node with weights is before it: a layer begins with its weights")
            found.append(Part(tuple(before), weights, tuple(after), node))
            before, after, weights = [], [], None
        elif weights is not None and node.type in WEIGHTS:
            raise weights.refuse(f"{node} follows it: every layer ends in spiking neurons")
        elif node.type in WEIGHTS:
            weights = node
        elif weights is not None and node.type in DELAYS:
            raise node.refuse("it delays currents: only spikes can be delayed, before the weights of a layer")
        else:
            (before if weights is None else after).append(node)
    if weights is not None:
        raise weights.refuse("Output follows it: every layer ends in spiking neurons")
    if before:
        raise before[0].refuse("no layer follows it: the last layer's spikes are the answer")
    if not found:
        raise TwinspikeError(
            "the graph has no layers: expected Affine, Linear or Conv and LIF, CubaLIF or IF nodes"
        )
    return found


def layers(nodes: list[Node]) -> list[tuple[Node, Node]]:
    """(weights, neurons) of each layer of a chain; raises TwinspikeError if they do not alternate."""
    return [(part.weights, part.neurons) for part in parts(nodes)]


def _flat(graph: Mapping[str, Any], within: Path) -> tuple[dict[Path, Node], list[tuple[Path, Path]]]:
    """Nodes by path and edges, with every nested graph in place between its own Input and Output."""
    where = "/".join(within) or "root"
    entries = graph.get("nodes")
    if not isinstance(entries, Mapping) or not entries:
        raise TwinspikeError(f"graph {where} has no nodes: export the network again")
    nodes: dict[Path, Node] = {}
    edges: list[tuple[Path, Path]] = []
    doors: dict[Path, tuple[Path, Path]] = {}
    for name, fields in entries.items():
        path = (*within, str(name))
        kind = fields.get("type") if isinstance(fields, Mapping) else None
        if not isinstance(kind, str):
            raise TwinspikeError(f"node {'/'.join(path)!r} has no type: export the network again")
        if kind == "NIRGraph":
            inner, inner_edges = _flat(fields, path)
            doors[path] = _ends(inner, path)
            nodes |= inner
            edges += inner_edges
        else:
            nodes[path] = Node("/".join(path), kind, fields)
    table = np.asarray(graph.get("edges", []), dtype=object)
    if table.ndim != 2 or table.shape[1] != 2:
        raise TwinspikeError(f"graph {where} has no edges, or no table of pairs: export the network again")
    for source, target in table:
        a, b = (*within, _text(source)), (*within, _text(target))
        edges.append((doors.get(a, (a, a))[1], doors.get(b, (b, b))[0]))
    return nodes, edges


def _ends(nodes: Mapping[Path, Node], within: Path) -> tuple[Path, Path]:
    """The Input and the Output that belong to the graph at `within` itself."""
    ends = []
    for kind in ("Input", "Output"):
        own = [p for p, node in nodes.items() if node.type == kind and p[:-1] == within]
        if len(own) != 1:
            where = "/".join(within) or "root"
            raise TwinspikeError(f"graph {where} has {len(own)} {kind} nodes: exactly one can be mapped")
        ends.append(own[0])
    return ends[0], ends[1]


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _neighbours(
    nodes: Mapping[Path, Node], edges: list[tuple[Path, Path]]
) -> tuple[dict[Path, list[Path]], dict[Path, list[Path]]]:
    before: dict[Path, list[Path]] = {path: [] for path in nodes}
    after: dict[Path, list[Path]] = {path: [] for path in nodes}
    for a, b in dict.fromkeys(edges):  # exporters repeat edges
        for path in (a, b):
            if path not in nodes:
                raise TwinspikeError(f"an edge names node {'/'.join(path)!r}, which the graph does not have")
        after[a].append(b)
        before[b].append(a)
    return before, after
