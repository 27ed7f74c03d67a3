"""Random networks of dense layers: every shape, kind of neurons and stream within bounds on the work."""

from typing import Any

from hypothesis import strategies as st

from ...hw.devices import SPRAM_WIDTHS
from ...hw.plan.choose import EVENTS_PER_CLOCK
from ...hw.plan.spram import SPRAM_FROM_BITS
from .case import ACTIVITY, Case
from .layers import BIASES, THRESHOLDS, WEIGHTS, LayerCase

# Bounds on the work of one case, now and then a larger one: bits in memories (writing the core), lanes
# (compiling it) and clocks (running it).
_WEIGHT_BITS = (60_000, 60_000, 60_000, 400_000)
_LANES = (16, 16, 16, 32, 100)
_REFERENCE_BITS = 40_000
_CLOCKS = {"verilator": 3_000_000, "icarus": 8_000}


def widths(small: bool) -> st.SearchStrategy[int]:
    """1 to 1,024, small ones more often: what a width meets there is the same and costs less."""
    if small:
        return st.integers(1, 40)
    return st.one_of(st.integers(1, 12), st.integers(1, 70), st.integers(1, 300), st.integers(1, 1024))


@st.composite
def dense_cases(draw: st.DrawFn, simulator: str = "verilator") -> Case:
    """Any legal shape, within the bounds of work above; for Icarus, which takes long, smaller ones."""
    small = simulator == "icarus"
    choose = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    target = choose("generic", "generic", "generic", "up5k", "hx8k", "ecp5-25k")
    options: dict[str, Any] = {"target": target}
    wide = draw(st.integers(0, 7)) == 5
    if wide:
        options = {"target": "generic", "events_per_clock": []}
    elif draw(st.booleans()):
        options["check_duplicates"] = draw(st.booleans())
    depth = draw(st.integers(1, 4))
    inputs, left = draw(widths(small)), choose(*_WEIGHT_BITS)
    width, layers, lanes_left, spram = inputs, [], choose(*_LANES), False
    for index in range(depth):
        bits = draw(st.integers(1, 8))
        neurons = draw(widths(small))
        # Wide layers of many inputs take their share of the weights and no more.
        neurons = min(neurons, max(1, left // (2 * width * bits)))
        most = max(1, min(neurons, lanes_left // (depth - index)))
        if wide:
            neurons = min(neurons, most)
            options["events_per_clock"].append(choose(*[n for n in EVENTS_PER_CLOCK if n <= width]))
        lanes = draw(st.integers(1, most))
        if target == "up5k" and not wide and width * neurons * bits > SPRAM_FROM_BITS:
            # One layer may lie in SPRAM, if its words divide into those there.
            fits = [n // bits for n in SPRAM_WIDTHS if n % bits == 0 and n // bits <= neurons]
            if fits and not spram:
                lanes, spram = choose(*fits), True
            else:
                neurons = max(1, SPRAM_FROM_BITS // (width * bits))
                lanes = min(lanes, neurons)
        left -= width * neurons * bits
        lanes_left -= lanes
        layers.append(
            LayerCase(
                neurons=neurons,
                lanes=lanes,
                weight_bits=bits,
                leak_shift=draw(st.integers(0, 7)),
                reset=choose("subtract", "zero"),
                single_spike=draw(st.booleans()),
                state_bits=draw(st.one_of(st.integers(2, 12), st.integers(2, 32))),
                weights=choose(*WEIGHTS),
                thresholds=choose(*THRESHOLDS),
                biases=choose(*BIASES),
            )
        )
        width = neurons
    timesteps = draw(
        st.integers(1, 10)
        if small
        else st.one_of(st.integers(1, 10), st.integers(1, 40), st.integers(1, 255))
    )
    table = timesteps * width * timesteps.bit_length()
    references = draw(st.one_of(st.integers(0 if not wide else 1, 4), st.integers(1, 40)))
    references = min(references, 1 + _REFERENCE_BITS // table, *([4] if small else []))
    sinks = choose(0, 60, 128, 230)
    slow = 256 / (256 - sinks)
    events, clocks = inputs, 0
    for layer in layers:
        row = max(6, -(-layer.neurons // layer.lanes))
        clocks = max(clocks, timesteps * (events // 2 + 1) * row, int(timesteps * layer.neurons * slow))
        events = layer.neurons
    clocks = max(clocks, timesteps * -(-width // layers[-1].lanes) * max(3, references))
    networks = draw(st.integers(20, 40)) if simulator == "verilator" else 1
    afford = _CLOCKS[simulator] // (4 * clocks)
    networks = max(1, min(networks, afford // 2))
    frames = max(1, min(draw(st.integers(3, 12)), afford // networks))
    return Case(
        seed=draw(st.integers(0, 2**32 - 1)),
        inputs=inputs,
        timesteps=timesteps,
        layers=tuple(layers),
        references=references,
        membrane=draw(st.booleans()),
        activity=choose(*ACTIVITY[:1], *ACTIVITY),
        frames=frames,
        networks=networks,
        options=options,
        stall_source=choose(0, 30, 128, 220),
        stall_sinks=sinks,
        mishaps=choose(0, 1, 3, 8) if frames > 1 else 0,
        simulator=simulator,
    )
