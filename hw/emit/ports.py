"""The description of the core's ports, written beside the Verilog."""

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from ...quant.sizes import size, sizes
from ..core.ingress import ERRORS
from ..core.signature import core_members
from ..core.step_timer import PORTS as TIMER_PORTS
from ..plan import CorePlan, LayerPlan
from ..plan.wide import groups, readout_latency, spike_latency
from ..readout.result import RESULT
from ..readout.slots import ERRORS as COMMAND_ERRORS
from ..readout.slots import STATUS
from .names import USUAL, Names

_MEANING = {
    "s_axis": "input events: address words and TICKs, `tlast` on the frame's T-th TICK",
    "m_axis": "output spikes of the last layer, in the same format",
    "m_result": "one record per frame, see below",
    "s_load": "words of the weight image (`weights.mem`), in order; `tlast` may be set on the last",
    "network_hash": "first 64 bits of the network file's SHA-256",
    "error_flags": "sticky error bits, see below",
    "error_clear": "high for a clock: clears `error_flags`",
    "s_command": "a command, taken between frames: bits 31..0 the value of a register, bits 33..32 which one "
    "(0 COMMAND, 1 REFERENCE_AT, 2 STAGE; see the register map)",
    "command_status": "from bit 0: " + ", ".join(f"{name} ({field.width})" for name, field in STATUS),
    "command_errors": "sticky: " + ", ".join(f"bit {i} {name}" for i, name in enumerate(COMMAND_ERRORS)),
    "weights_loaded": "a sound image is in place; until then `s_axis_tready` stays low; `rst` clears it",
    "weights_refused": "the last image was refused: bit 0 none for this network, bit 1 too short or its CRC "
    "differs; the next image clears it",
    "weights_keep": "high: `rst` leaves loaded weights in place",
    **{name: meaning for name, (_, meaning) in TIMER_PORTS.items()},
}

_RECORD = {
    "emd": {
        "distance": "EMD to the nearest reference",
        "runner_up": "EMD to the second nearest reference (all ones if there is only one)",
        "label": "label of the nearest reference; a tie goes to the lower index",
    },
    "counts": {
        "distance": "T minus the spikes of the output neuron that spiked most",
        "runner_up": "T minus the spikes of the second (all ones if there is only one output neuron)",
        "label": "index of the output neuron that spiked most; a tie goes to the lower index",
    },
    "membrane": {
        "distance": "what the largest sum of membranes lacks to the highest membrane in every step",
        "runner_up": "the same of the second (all ones if there is only one output neuron)",
        "label": "index of the output neuron whose summed membrane is largest; a tie goes to the lower index",
    },
}


def _threshold(plan: CorePlan) -> str:
    """What a distance is compared with, in words."""
    usual = f"{plan.network.verify_threshold}, the verify threshold"
    if plan.slots:
        return f"the threshold of the slot, or where it has none {usual}"
    return usual if plan.network.references.threshold is None else "the threshold of the reference"


def ports_markdown(plan: CorePlan, names: Names = USUAL) -> str:
    """Markdown: ports with direction and width, the result record, errors, and timing formulas."""
    network = plan.network
    lines = [
        f"# Ports of {names.core}, network {network.name}",
        "",
        f"Network file SHA-256: `{network.content_hash}`",
        "",
        "| port | direction | bits | meaning |",
        "| --- | --- | --- | --- |",
        "| `clk` | in | 1 | clock, rising edge |",
        "| `rst` | in | 1 | synchronous reset, active high, at least one clock |",
    ]
    for name, member in core_members(plan).items():
        stem = name if name in _MEANING else next(s for s in _MEANING if name.startswith(s))
        direction = "in" if member.flow == In else "out"
        meaning = _MEANING[stem] if name in (stem, f"{stem}_tdata") else f"handshake of `{stem}`"
        width = Shape.cast(member.shape).width
        lines.append(f"| `{name}` | {direction} | {width} | {names.rename(meaning)} |")
    lines += [
        "",
        "AXI-Stream rules hold: `tvalid` never waits for `tready`, and a beat once offered stays until it is",
        "taken. Tie the `tready` of an output that you do not use high: it stalls the core otherwise.",
        "",
        "## Event words",
        "",
        f"Bit 15 = 0: bits 14..0 are an address, 0..{network.inputs - 1}. Bit 15 = 1: TICK, the step ends.",
        f"A frame has T = {network.timesteps} TICKs, the last one with `tlast`.",
        *_map_addresses(plan),
        *(_values(plan) if plan.most > 1 else []),
        *(_TIMER if plan.step_timer else []),
        *_beats(plan),
        "",
        "## Result record (`m_result_tdata`)",
        "",
        "| bits | field | meaning |",
        "| --- | --- | --- |",
    ]
    meanings = _RECORD[network.readout] | {
        "same": f"1 if distance <= {_threshold(plan)}; 0: whose it is is unknown",
        "own": "1 if that was the reference's own threshold" if plan.references or plan.slots else "always 0",
    }
    for name, field in RESULT:
        bits = f"{field.offset + field.width - 1}..{field.offset}" if field.width > 1 else str(field.offset)
        lines.append(f"| {bits} | {name} | {meanings[name]} |")
    lines += [
        "",
        "The remaining high bits are 0.",
        "",
        "## Error flags",
        "",
        "| bit | flag | meaning |",
        "| --- | --- | --- |",
    ]
    for bit, (name, text) in enumerate(ERRORS):
        absent = name == "duplicate" and not plan.check_duplicates
        lines.append(f"| {bit} | {name} | {'not checked in this core: always 0' if absent else text} |")
    lines += [
        "",
        "## Cycles",
        "",
        *(_wide_cycles(plan) if plan.wide else _cycles(plan)),
    ]
    return "\n".join(lines) + "\n"


def _values(plan: CorePlan) -> list[str]:
    return [
        "Bits 15..14 = 11: VALUE instead, the addresses behind it count m times each, m in bits 3..0 (more",
        f"than {plan.most} counts as {plan.most}), until the step's TICK.",
    ]


_TIMER = [
    "",
    "While `timer_running` is high the core makes its TICKs itself, one every `timer_period` clocks (tie it",
    "to a constant for a fixed step): words of `s_axis` are addresses then, and a TICK or `tlast` that comes",
    "with them means nothing. It starts and stops between frames.",
]


def _map_addresses(plan: CorePlan) -> list[str]:
    """How the places of maps are numbered at the ports, where input or output are maps."""
    ends = zip(("Inputs are", "Outputs are"), (sizes(plan.network)[0], sizes(plan.network)[-1]), strict=True)
    maps = [f"{what} a map of {shape}." for what, shape in ends if isinstance(shape, str)]
    if not maps:
        return []
    return [
        "",
        f"{' '.join(maps)} At the ports addresses are flat and channel-last: channel c",
        "at row y, column x of a map of H x W x C has the address (y * W + x) * C + c.",
        "",
    ]


def _beats(plan: CorePlan) -> list[str]:
    banks = plan.layers[0].events_per_clock
    if banks <= 1:
        return []
    return [
        "",
        f"A beat of `s_axis` holds {banks} words; `s_axis_tkeep` (two bits per word) says which are",
        f"used. Place b (bits 16b + 15..16b) may hold an address a with a mod {banks} = b; the "
        "TICK may stand",
        "in any slot and ends the step after all addresses of its beat. `tlast` goes with the T-th TICK.",
    ]


def _cycles(plan: CorePlan) -> list[str]:
    return [
        "With W = ceil(N / P) a layer takes max(W, 3) clocks for an event, and for a TICK W, but",
        "max(W + 2, 5) where W < 5; layers work on different steps at the same time, so frames follow each",
        "other at the busiest layer's pace. The",
        *_readout_cycles(plan),
        "",
        "| layer | neurons N | lanes P | clocks per event | clocks per TICK |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {i} | {_neurons(x)} | {x.lanes} | {_event_clocks(x)} | {x.tick_clocks} |"
            for i, x in enumerate(plan.layers)
        ),
        *_map_cycles(plan),
    ]


def _event_clocks(layer: LayerPlan) -> str:
    """The most that an event takes, whatever its address."""
    return f"{max(map(layer.event_clocks, range(layer.inputs))):g}"


def _neurons(layer: LayerPlan) -> str:
    """How many neurons, with the map that they make up, if any."""
    shape = size(layer.layer.shape)
    return f"{layer.neurons}, {shape}" if isinstance(shape, str) else str(shape)


def _map_cycles(plan: CorePlan) -> list[str]:
    """What differs in layers on maps, and which words their TICKs sweep."""
    walks = [(index, layer) for index, layer in enumerate(plan.layers) if layer.listed]
    if not walks:
        return []
    reached = [str(index) for index, layer in walks if layer.sweeps_reached]
    every = [str(index) for index, layer in walks if not layer.sweeps_reached]
    rules = [f"of layer {', '.join(reached)} those that events have reached in the frame"] if reached else []
    rules += [f"of layer {', '.join(every)} all"] if every else []
    return [
        "",
        f"Layers {', '.join(str(index) for index, _ in walks)} work on maps: an event takes a clock for each",
        "word of channels at each place that sees it, at least 2; a TICK a clock for each word that it",
        f"sweeps: {'; '.join(rules)}.",
    ]


def _readout_cycles(plan: CorePlan) -> list[str]:
    neurons = plan.network.outputs
    if plan.network.readout == "membrane":
        return [
            "readout takes a word of membranes every 3 clocks; a frame's result comes",
            f"{plan.result_clocks} clocks after its last word was taken.",
        ]
    if plan.network.readout == "counts":
        return [
            "readout takes an event per clock; a frame's result comes 2 clocks after its last "
            "TICK was taken,",
            f"and the next frame's events are taken from {max(neurons + 1, 3)} clocks after that TICK.",
        ]
    if not plan.slots:
        return [
            "readout takes an event per clock; a frame's result comes",
            f"{plan.result_clocks} clocks after its last TICK was taken ({plan.compared} references).",
        ]
    return [
        f"readout takes {neurons + 3} clocks per step and one a spike; a frame's result comes",
        f"{plan.result_clocks} clocks after its last TICK was taken ({plan.compared} references).",
    ]


def _wide_cycles(plan: CorePlan) -> list[str]:
    dense = plan.layers[len(plan.wide_maps) :]
    return [
        *(_wide_map_cycles(plan) if plan.wide_maps else []),
        "A layer takes a beat per clock, and TICKs 3 clocks apart or more: a step takes as many "
        "clocks as its",
        f"fullest bank has events, at least 3. The readout takes {groups(plan)} clocks per step "
        "and gives the",
        f"result {readout_latency(plan)} clocks after the last step's spikes.",
        "",
        "| layer | neurons N | events per clock E | clocks from TICK to spikes |",
        "| --- | --- | --- | --- |",
        *(
            f"| {i} | {x.neurons} | {x.events_per_clock} | {spike_latency(x)} |"
            for i, x in enumerate(dense, len(plan.wide_maps))
        ),
    ]


def _wide_map_cycles(plan: CorePlan) -> list[str]:
    return [
        "A convolution takes an event per clock, in all its banks at once, and visits its R rows at a TICK:",
        "a step of E events takes E + R + 3 clocks.",
        "",
        "| convolution | neurons | banks | lanes | rows R | clocks for a TICK |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {i} | {_neurons(x)} | {x.banks} | {x.lanes} | {len(x.sweep)} | {x.tick_clocks} |"
            for i, x in enumerate(plan.wide_maps)
        ),
        "",
        "Dense layers follow.",
        "",
    ]
