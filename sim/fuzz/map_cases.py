"""Random networks of layers on feature maps: every geometry that the numerics allow, kept small.

Writing and compiling a core takes most of a case's time, so maps have few places, and a few networks share
each core (see variants.py). What cores do not have is drawn too: the trial counts it as refused.
"""

import dataclasses
from math import prod
from typing import Any

from hypothesis import strategies as st

from .case import ACTIVITY, Case
from .layers import MAP_BIASES, THRESHOLDS, WEIGHTS, LayerCase

Map = tuple[int, int, int]
# Bounds on a map's sides, by chance a larger one, and on its addresses; on a layer's weights and lanes.
_SIDES = (4, 5, 6, 6, 12)
_PLACES = 128
_WEIGHTS = 2048
_LANES = 64
# Bounds on a frame's clocks and on the spikes and frames of a stream: all networks' simulations together.
_CLOCKS = {"verilator": 12_000, "icarus": 1_200}
_NETWORKS = (4, 12)
_LINKS = ("sources", "combine", "hold", "weights_of")
_KINDS = ("conv",) * 9 + ("pool", "pool", "taps", "dense", "delay")
# A core of several events per clock has convolutions and dense layers; others are seldom worth a draw.
_WIDE_KINDS = ("conv",) * 11 + ("pool",)


@dataclasses.dataclass(frozen=True)
class _Drawn:
    """A layer as drawn: its case, the map that it leaves, and the shape of its weights (None without)."""

    case: LayerCase
    shape: Map
    weights: tuple[int, ...] | None = None


@st.composite
def map_cases(draw: st.DrawFn, simulator: str = "verilator") -> Case:
    """Any legal networks on maps within the bounds above; for Icarus, which runs slowly, smaller ones."""
    choose = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    side = 5 if simulator == "icarus" else choose(*_SIDES)
    height = choose(1, draw(st.integers(2, side)), draw(st.integers(2, side)))
    width = draw(st.integers(1, side if height > 1 else 4 * side))
    shape = (height, width, draw(st.integers(1, max(1, min(4, _PLACES // (height * width))))))
    wide = draw(st.integers(0, 7)) == 5
    target = "generic" if wide else choose("generic", "generic", "up5k", "hx8k", "ecp5-25k")
    hold = draw(st.integers(0, 3)) == 1
    drawn: list[_Drawn] = []
    for _ in range(draw(st.integers(1, 3))):
        before = drawn[-1].shape if drawn else shape
        kind = choose(*_WIDE_KINDS) if wide else choose(*_KINDS)
        drawn.append(_linked(draw, _layer(draw, kind, before, wide), drawn, shape))
    if drawn[-1].case.kind in ("pool", "delay") or draw(st.integers(0, 5)):
        # Behind a map most networks have a dense layer, whose outputs are few.
        drawn.append(_layer(draw, "dense", drawn[-1].shape))
    if hold and drawn[0].case.kind not in ("pool", "delay"):
        first = dataclasses.replace(drawn[0].case, keys={**drawn[0].case.keys, "hold": True})
        drawn[0] = dataclasses.replace(drawn[0], case=first)
    graded = draw(st.integers(0, 4)) if hold else choose(0, 0, 0, 0, 0, 4)
    timesteps = choose(draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(st.integers(1, 40)))
    work = _clocks(shape, drawn)
    timesteps = max(1, min(timesteps, _CLOCKS[simulator] // work))
    frames = max(1, min(draw(st.integers(2, 4)), 3 * _CLOCKS[simulator] // (timesteps * work)))
    afford = 15 * _CLOCKS[simulator] // (timesteps * work * frames)
    networks = max(1, min(draw(st.integers(*_NETWORKS)), afford))
    options: dict[str, Any] = {"target": target}
    if wide:
        options["events_per_clock"] = _events_per_clock(draw, drawn)
    elif draw(st.booleans()):
        options["check_duplicates"] = draw(st.booleans())
    return Case(
        seed=draw(st.integers(0, 2**32 - 1)),
        inputs=prod(shape),
        timesteps=timesteps,
        layers=tuple(one.case for one in drawn),
        references=draw(st.integers(1 if wide else 0, 4)),
        membrane=draw(st.booleans()) and not wide,
        activity=choose(*ACTIVITY[:1], *ACTIVITY),
        frames=frames,
        networks=networks,
        options=options,
        stall_source=choose(0, 30, 128, 220),
        stall_sinks=choose(0, 60, 128, 230),
        mishaps=choose(0, 1, 3, 8) if frames > 1 else 0,
        simulator=simulator,
        shape=shape,
        graded=graded,
    )


def _events_per_clock(draw: st.DrawFn, drawn: list[_Drawn]) -> list[int]:
    """One for a map and for what is behind one; now and then what no wide core has."""
    found, behind_map = [], True
    for one in drawn:
        behind_map = behind_map or one.case.kind != "dense"
        several = not behind_map or draw(st.integers(0, 15)) == 7
        found.append(draw(st.sampled_from((1, 2, 4))) if several else 1)
        behind_map = one.case.kind != "dense"
    return found


def _layer(draw: st.DrawFn, kind: str, before: Map, wide: bool = False) -> _Drawn:
    """A layer of the kind behind a map; in a wide core with few banks of lanes."""
    if kind == "dense":
        neurons = draw(st.integers(1, min(12, max(1, _WEIGHTS // prod(before)))))
        lanes = draw(st.integers(1, neurons))
        return _Drawn(_case(draw, kind, neurons, lanes, {}), (1, neurons, 1), (neurons, prod(before)))
    keys: dict[str, Any]
    if kind == "pool":
        window = [draw(st.integers(1, min(3, size))) for size in before[:2]]
        keys = {"window": window, "mode": draw(st.sampled_from(("or", "sum")))}
        after = (before[0] // window[0], before[1] // window[1], before[2])
        return _Drawn(_case(draw, kind, before[2], 1, keys), after)
    if kind == "delay":
        taps = draw(st.integers(1, max(1, min(3, 2 * _PLACES // prod(before)))))
        keys = {"taps": taps, "longest": draw(st.sampled_from((0, 2, 7, 40, 255)))}
        return _Drawn(_case(draw, kind, before[2], 1, keys), (*before[:2], before[2] * taps))
    groups = draw(st.sampled_from([n for n in range(1, before[2] + 1) if before[2] % n == 0] + [before[2]]))
    most = max(1, min(8, _WEIGHTS // before[2]) // groups)
    each = draw(st.integers(1, most))
    keys, places, size = _taps(draw, before) if kind == "taps" else _conv(draw, before)
    if places == before[:2] and draw(st.integers(0, 3)):
        # The same map again: such layers can be added up, and share their weights.
        each = before[2] // groups
    channels = groups * each
    banks = prod(-(-k // s) for k, s in zip(size, keys["stride"], strict=False)) if wide else 1
    while (prod(places) * channels > 2 * _PLACES or (wide and banks * channels > _LANES)) and each > 1:
        each -= 1
        channels = groups * each
    case = _case(draw, kind, channels, 1, {**keys, "groups": groups})
    if case.weight_bits == 1 and groups > 1:
        allowed = [n for n in (1, 2, 4, 8) if each % n == 0]
    else:
        allowed = [n for n in (1, 2, 4, 8, 16) if n < 2 * channels]
    case = dataclasses.replace(case, lanes=draw(st.sampled_from(allowed)))
    return _Drawn(case, (*places, channels), (channels, before[2] // groups, *size))


def _conv(draw: st.DrawFn, before: Map) -> tuple[dict[str, Any], tuple[int, int], tuple[int, ...]]:
    """A convolution's geometry, the places that it leaves and its kernel. One in four keeps the places."""
    keys: dict[str, list[int]] = {"kernel": [], "stride": [], "padding": [], "dilation": []}
    places = []
    same = draw(st.integers(0, 3)) == 0
    for size in before[:2]:
        kernel, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        stride, padding = draw(st.integers(1, 4)), draw(st.integers(0, 6))
        if same:
            kernel, stride = kernel | 1, 1
            padding = dilation * (kernel - 1) // 2
        reach = dilation * (kernel - 1) + 1
        # A kernel that does not fit gets the padding with which it just does.
        padding = max(padding, -(-(reach - size) // 2))
        # No larger maps from padding alone than twice the input.
        stride = max(stride, -(-(size + 2 * padding - reach + 1) // (2 * size + 2)))
        for name, value in zip(keys, (kernel, stride, padding, dilation), strict=True):
            keys[name].append(value)
        places.append((size + 2 * padding - reach) // stride + 1)
    return keys, (places[0], places[1]), tuple(keys["kernel"])


def _taps(draw: st.DrawFn, before: Map) -> tuple[dict[str, Any], tuple[int, int], tuple[int, ...]]:
    stride = [draw(st.integers(1, 3)) for _ in range(2)]
    taps = draw(st.integers(1, 5))
    keys = {"stride": stride, "taps": taps, "span": draw(st.integers(0, 4))}
    return keys, (-(-before[0] // stride[0]), -(-before[1] // stride[1])), (taps,)


def _linked(draw: st.DrawFn, one: _Drawn, before: list[_Drawn], shape: Map) -> _Drawn:
    """The layer with another's weights or sources beside the one before it, where shapes allow it."""
    here = len(before)
    shapes = {-1: shape, **{index: other.shape for index, other in enumerate(before)}}
    owners = [
        index
        for index, other in enumerate(before)
        if other.weights and shapes[index - 1] == shapes[here - 1] and "weights_of" not in other.case.keys
    ]
    if len(owners) > 0 and draw(st.booleans()):
        of = draw(st.sampled_from(owners))
        other = before[of].case
        geometry = {key: value for key, value in other.keys.items() if key not in _LINKS}
        case = _case(draw, other.kind, other.neurons, other.lanes, {**geometry, "weights_of": of})
        case = dataclasses.replace(case, weight_bits=other.weight_bits)
        one = dataclasses.replace(before[of], case=case)
    keys = dict(one.case.keys)
    others = [index for index, other in shapes.items() if other == shapes[here - 1] and index != here - 1]
    if len(others) > 0 and draw(st.booleans()):
        keys["sources"] = [here - 1, draw(st.sampled_from(others))]
        combine = draw(st.sampled_from(("add", "and", "iand")))
        keys |= {"combine": combine} if combine != "add" else {}
    return dataclasses.replace(one, case=dataclasses.replace(one.case, keys=keys))


def _case(draw: st.DrawFn, kind: str, neurons: int, lanes: int, keys: dict[str, Any]) -> LayerCase:
    choose = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    forget = draw(st.integers(0, 5)) == 3
    return LayerCase(
        neurons=neurons,
        lanes=lanes,
        weight_bits=draw(st.integers(1, 8)),
        leak_shift=0 if forget else draw(st.integers(0, 7)),
        reset=choose("subtract", "zero"),
        single_spike=draw(st.booleans()),
        state_bits=draw(st.one_of(st.integers(4, 12), st.integers(2, 32))),
        weights=choose(*WEIGHTS),
        thresholds=choose("small", "reachable", *THRESHOLDS),
        biases=choose(*MAP_BIASES),
        kind=kind,
        keys=keys,
        forget=forget,
    )


def _clocks(shape: Map, drawn: list[_Drawn]) -> int:
    """A coarse bound on the clocks of a step in which everything spikes."""
    events, most = prod(shape), prod(shape)
    for one in drawn:
        case, words = one.case, -(-one.shape[2] // one.case.lanes)
        if case.kind == "dense":
            row = max(6, -(-case.neurons // case.lanes))
        elif case.kind == "delay":
            row = 3 * case.keys["taps"] + 3
        else:
            row = 3 * max(2, prod((one.weights or (1, 1, 1))[2:]) * words)
        most = max(most, events * row + 3 * one.shape[0] * one.shape[1] * words)
        events = prod(one.shape)
    return most


def map_coverage(case: Case) -> list[tuple[str, str]]:
    """What a network on maps exercised: (option, value) pairs, those of the layers once per layer."""
    pairs = [("rows", "1" if case.shape[0] == 1 else "more"), ("graded", str(case.graded))]
    for layer in case.layers:
        keys = layer.keys
        pairs.append(("kind", layer.kind))
        pairs += [("forget", "yes")] if layer.forget else []
        for name in ("hold", "weights_of", "sources"):
            pairs += [(name, "yes")] if name in keys else []
        if "sources" in keys:
            pairs.append(("combine", keys.get("combine", "add")))
        if layer.kind == "delay":
            pairs.append(("longest delay", str(keys["longest"])))
        if layer.kind == "pool":
            pairs.append(("pool", keys["mode"]))
        if layer.kind == "conv":
            pairs.append(("groups", "1" if keys["groups"] == 1 else "more"))
            for i in range(2):
                kernel, stride, padding = (keys[name][i] for name in ("kernel", "stride", "padding"))
                pairs += [
                    ("kernel", str(kernel)),
                    ("stride", str(stride) if stride <= kernel else "more than the kernel"),
                    ("padding", str(padding) if padding < kernel else "no less than the kernel"),
                    ("dilation", str(keys["dilation"][i])),
                ]
    return pairs
