"""What a person looks at in waves: named signals in groups, for GTKWave and for Surfer.

The bench gathers them in a scope of its own, ``bench.watch``, so neither names nor grouping depend on
how the core is flattened. Surfer: https://gitlab.com/surfer-project/surfer, docs/commands.
"""

import dataclasses
import io
from collections.abc import Sequence

from vcd.gtkw import GTKWColor, GTKWSave

from ...hw.parts.events import mask_layout
from ...hw.plan import STATE_LATENCY, CorePlan, LayerPlan
from ...hw.plan.wide_conv import WideConvPlan
from ...hw.readout.result import RESULT

SCOPE = "bench.watch"


@dataclasses.dataclass(frozen=True)
class Signal:
    """A signal of the bench: its expression in SystemVerilog; `when` it is kept, if not always.

    `form` is GTKWave's: "bin" or "hex" for bits, "dec" for counts, "signed" for membranes.
    """

    name: str
    expression: str
    bits: int = 1
    form: str = "bin"
    when: str = ""

    @property
    def path(self) -> str:
        return f"{SCOPE}.{self.name}"

    def declaration(self) -> str:
        """Its lines in the bench."""
        kind = " signed" if self.form == "signed" else ""
        width = f" [{self.bits - 1}:0]" if self.bits > 1 else ""
        if not self.when:
            return f"        wire{kind}{width} {self.name} = {self.expression};"
        return (
            f"        reg{kind}{width} {self.name} = 0;\n"
            f"        always @(posedge clk) if ({self.when}) {self.name} <= {self.expression};"
        )


@dataclasses.dataclass(frozen=True)
class Group:
    """Signals under one title."""

    title: str
    signals: tuple[Signal, ...]


def groups(plan: CorePlan, neurons: Sequence[int]) -> list[Group]:
    """The signals of the core of `plan`, watching one neuron of each layer: `neurons` are their numbers."""
    layers = [
        _layer(index, layer, neuron)
        for index, (layer, neuron) in enumerate(zip(plan.layers, neurons, strict=True))
    ]
    return [_events(plan), *layers, _readout(plan), _spikes_out(), _result()]


def watch_source(watched: Sequence[Group]) -> str:
    """SystemVerilog of the scope inside the bench."""
    lines = [signal.declaration() for group in watched for signal in group.signals]
    return "\n".join(["    if (1) begin : watch", *lines, "    end"])


def gtkwave(watched: Sequence[Group], dump: str) -> str:
    """A GTKWave save file for the waves in the file `dump` beside it."""
    text = io.StringIO()
    save = GTKWSave(text)
    save.dumpfile(dump, abspath=False)
    save.treeopen(SCOPE)
    save.signals_width(280)
    save.sst_expanded(True)
    for group in watched:
        with save.group(group.title):
            for signal in group.signals:
                color = GTKWColor.orange if signal.form == "signed" else None
                # A vector's name has its range in an FST.
                suffix = f"[{signal.bits - 1}:0]" if signal.bits > 1 else ""
                save.trace(signal.path + suffix, alias=signal.name, datafmt=signal.form, color=color)
    return text.getvalue()


def surfer(watched: Sequence[Group]) -> str:
    """A Surfer command file, which runs once the waves are loaded: surfer --command-file FILE WAVES."""
    lines = []
    for group in watched:
        lines += [f"divider_add {group.title}", *(f"variable_add {s.path}" for s in group.signals)]
    return "\n".join([*lines, "zoom_fit", ""])


def _events(plan: CorePlan) -> Group:
    taken = "word_valid && word_ready"
    signals = [
        Signal("in_valid", "word_valid"),
        Signal("in_ready", "word_ready"),
        *(
            signal
            for slot in range(max(plan.layers[0].events_per_clock, 1))
            for signal in (
                Signal(f"in_address_{slot}", f"word[{16 * slot + 14}:{16 * slot}]", 15, "dec"),
                Signal(f"in_tick_{slot}", f"{taken} && word[{16 * slot + 15}]"),
            )
        ),
        Signal("in_last", f"{taken} && boundary"),
    ]
    return Group("events in", tuple(signals))


def _layer(index: int, layer: LayerPlan, neuron: int) -> Group:
    path, name = f"dut.layer{index}", f"layer{index}"
    spikes = f"{path}.spikes_valid"
    if isinstance(layer, WideConvPlan):
        word, lane = divmod(int(layer.positions[neuron]), layer.lanes)
        field = mask_layout(layer.lanes, layer.words)["word"]
        here = f"{spikes} && {path}.spikes[{field.offset + field.width - 1}:{field.offset}] == {word}"
        # What its word becomes at a TICK: reset and leaked, with the next step's bias.
        membrane = Signal(
            f"{name}_membrane_{neuron}", f"{path}.v_{lane}", layer.accumulator_bits, "signed", when=here
        )
        fires = f"{here} && {path}.spikes[{lane}]"
    elif layer.events_per_clock:
        state_bits = layer.layer.spec.state_bits
        membrane = Signal(f"{name}_membrane_{neuron}", f"{path}.v_{neuron}", state_bits, "signed")
        fires = f"{spikes} && {path}.spikes[{neuron}]"
    else:
        word, lane = divmod(int(layer.positions[neuron]), layer.lanes)
        layout = mask_layout(layer.lanes, layer.words)["word"]
        stage = f"{path}.neurons.pair_{STATE_LATENCY}[{layout.width - 1}:0]"
        # Kept at every visit of its word: events add to it step by step, a TICK leaves it reset.
        membrane = Signal(
            f"{name}_membrane_{neuron}",
            f"~{path}.neurons.below_{lane}",
            layer.membrane_bits,
            "signed",
            when=f"{path}.neurons.valid_{STATE_LATENCY} && {stage} == {word}",
        )
        place = f"{path}.spikes[{layout.offset + layout.width - 1}:{layout.offset}]"
        fires = f"{spikes} && {place} == {word} && {path}.spikes[{lane}]"
    return Group(
        f"layer {index}, neuron {neuron}",
        (
            membrane,
            Signal(f"{name}_spike_{neuron}", fires),
            Signal(f"{name}_spikes_valid", spikes),
            Signal(
                f"{name}_spikes",
                f"{path}.spikes[{layer.lanes - 1}:0]",
                layer.lanes,
                "bin" if layer.lanes <= 16 else "hex",
            ),
        ),
    )


def _readout(plan: CorePlan) -> Group:
    if plan.network.readout == "counts":
        bits, address = plan.count_bits, max(1, (plan.network.outputs - 1).bit_length())
        return Group(
            "spike counts",
            (
                Signal("most_spikes", "dut.readout.best", bits, "dec"),
                Signal("second_most_spikes", "dut.readout.second", bits, "dec"),
                Signal("leading_neuron", "dut.readout.winner", address, "dec"),
            ),
        )
    if plan.network.readout == "membrane":
        bits, address = plan.distance_bits, max(1, (plan.network.outputs - 1).bit_length())
        return Group(
            "sums of membranes",
            (
                Signal("least_lack", "dut.readout.ranking.best", bits, "dec"),
                Signal("second_least_lack", "dut.readout.ranking.second", bits, "dec"),
                Signal("nearest_neuron", "dut.readout.ranking.nearest", address, "dec"),
            ),
        )
    labels = plan.network.references.labels.tolist()
    # Of fixed references a usual core keeps sums, off which the steps left at each spike come alike.
    kept = plan.slots or plan.wide
    distance = "dut.readout.distance_{}" if kept else "dut.readout.sum_{} - dut.readout.spent"
    return Group(
        "EMD to each reference",
        tuple(
            Signal(f"emd_{k}_label_{label}", distance.format(k), plan.distance_bits, "dec")
            for k, label in enumerate(labels)
        ),
    )


def _spikes_out() -> Group:
    return Group(
        "output spikes",
        (
            Signal("out_valid", "spikes_valid"),
            Signal("out_ready", "spikes_ready"),
            Signal("out_address", "spikes_word[14:0]", 15, "dec"),
            Signal("out_tick", "spikes_valid && spikes_word[15]"),
        ),
    )


def _result() -> Group:
    fields = [
        Signal(
            f"result_{name}",
            f"result_word[{field.offset + field.width - 1}:{field.offset}]",
            field.width,
            "dec" if field.width > 1 else "bin",
        )
        for name, field in (
            (name, RESULT[name]) for name in ("label", "distance", "runner_up", "same", "own")
        )
    ]
    return Group("result", (Signal("result_offered", "result_valid"), *fields))
