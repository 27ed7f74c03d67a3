"""The SystemVerilog bench around a generated core: streams from files, every event into a log.

Streaming and logging run in the simulator, so a frame costs no Python; cocotb starts the runs and
compares the logs with the golden model. Works in Verilator and in Icarus.
"""

from collections.abc import Sequence
from importlib import resources

from ...hw.core.ingress import ERRORS
from ...hw.emit.emit import TOP
from ...hw.layers.walker import pair_layout
from ...hw.parts.events import mask_layout
from ...hw.plan import STATE_LATENCY, UPDATE_LATENCY, CorePlan, LayerPlan
from .watch import Group, watch_source

STIMULUS = "stimulus.mem"  # a line a word: hexadecimal of {last, keep (a bit per word, if several), words}


def log_name(run: int, stream: str) -> str:
    """File of one stream's log: lines of cycle (10 places) and hexadecimal of fixed width.

    Streams: `start` (first word of a frame taken), `spikes` (m_axis: {last, word}), `result`
    (m_result), `fault` (a broken rule), `layer0`, `layer1`, ... (words of spikes, see mask_layout).
    """
    return f"run{run}_{stream}.log"


def streams(plan: CorePlan) -> list[str]:
    """Names of all logged streams."""
    return ["start", "spikes", "result", "fault", *(f"layer{i}" for i in range(len(plan.layers)))]


def bench_source(plan: CorePlan, watched: Sequence[Group] = (), *, inside: bool = True) -> str:
    """SystemVerilog of module `bench` for the core of `plan`; its ports are described in bench.sv.

    `watched` are signals gathered for waves (see watch.py). Not `inside`: the layers' logs stay empty,
    for a netlist in which nothing of a layer has its name.
    """
    template = resources.files(__package__).joinpath("bench.sv").read_text()
    load = plan.loads
    banks = max(plan.layers[0].events_per_clock, 1)
    parts = {
        "TOP": TOP,
        "BEAT": str(beat_bits(plan) - 1),
        "WORD": str(16 * banks - 1),
        "KEEP": _keep_port(banks) if banks > 1 else "",
        "HANDLES": ", ".join(f"log_{name}" for name in streams(plan)),
        "OPENS": "\n".join(
            f'            log_{name} = $fopen($sformatf("run%0d_{name}.log", run), "w");'
            for name in streams(plan)
        ),
        "FLUSHES": "\n".join(f"            $fflush(log_{name});" for name in streams(plan)),
        "CLOSES": "\n".join(f"                $fclose(log_{name});" for name in streams(plan)),
        "FLAGS": str(len(ERRORS) - 1),
        "LAYERS": "\n".join(_layer_log(i, layer) for i, layer in enumerate(plan.layers) if inside),
        "LOAD_PORTS": (_LOAD_PORTS if load else "")
        + (_COMMAND_PORTS if plan.slots else "")
        + (_TIMER_PORTS if plan.step_timer else ""),
        "WATCH": watch_source(watched) if watched else "",
        "LOAD": _LOAD if load else "    assign loaded = 1'b1;",
    }
    for name, text in parts.items():
        template = template.replace(f"@{name}@", text)
    return template


def beat_bits(plan: CorePlan) -> int:
    """Bits of a line of the stimulus."""
    banks = max(plan.layers[0].events_per_clock, 1)
    return 16 * banks + (banks if banks > 1 else 0) + 1


def _keep_port(banks: int) -> str:
    """Two bits of tkeep, a byte each, for every word."""
    pairs = ", ".join(f"{{2{{word[{16 * banks + b}]}}}}" for b in reversed(range(banks)))
    return f"\n        .s_axis_tkeep({{{pairs}}}),"


def _layer_log(index: int, layer: LayerPlan) -> str:
    path, end = f"dut.layer{index}", mask_layout(layer.lanes, layer.words)["end"].offset
    return f"""\
        if ({path}.spikes_valid && ({path}.spikes[{layer.lanes - 1}:0] != 0 || {path}.spikes[{end}]))
            $fwrite(log_layer{index}, "%10d %h\\n", cycle, {path}.spikes);""" + (
        ""
        if layer.events_per_clock
        else "".join(_collision_log(index, layer, stage) for stage in _stages(layer))
    )


def _stages(layer: LayerPlan) -> tuple[int, ...]:
    """Stages of Neurons in which a state word is written."""
    return (UPDATE_LATENCY, STATE_LATENCY) if layer.quick else (STATE_LATENCY,)


def _collision_log(index: int, layer: LayerPlan, stage: int) -> str:
    path = f"dut.layer{index}.neurons"
    layout = pair_layout(layer)
    word, tick = layout["word"].width, f"{path}.pair_{stage}[{layout['tick'].offset}]"
    which = "" if not layer.quick else f"{'' if stage == STATE_LATENCY else '!'}{tick} && "
    return f"""
        // Code {index:x}5: a state word was read while it was written.
        if ({path}.valid_1 && {path}.valid_{stage} && {which}
            {path}.pair_1[{word - 1}:0] == {path}.pair_{stage}[{word - 1}:0])
            $fwrite(log_fault, "%10d %h\\n", cycle, 8'h{index:x}5);"""


_LOAD_PORTS = """,
        .s_load_tdata(load_word), .s_load_tvalid(load_valid), .s_load_tready(load_ready),
        .s_load_tlast(1'b0), .weights_loaded(loaded), .weights_keep(1'b0)"""

# The bench sends no commands: the slots hold the network's references.
_COMMAND_PORTS = ", .s_command_tdata(40'b0), .s_command_tvalid(1'b0)"

# Its frames have their TICKs.
_TIMER_PORTS = (
    ", .timer_run(1'b0), .timer_drop(1'b0), .timer_on_event(1'b0), .timer_period(32'b0), .timer_clear(1'b0)"
)

_LOAD = """\
    // The whole image after every reset: that clears weights_loaded.
    reg [15:0] load_word, load_next;
    reg load_valid = 0, load_opened = 0;
    wire load_ready;
    integer weights = 0, load_fields;
    always @(posedge clk) if (rst) begin
        load_valid <= 0;
        load_opened <= 1;
        if (!load_opened) begin
            if (weights != 0) $fclose(weights);
            weights = $fopen("weights.mem", "r");
        end
    end else begin
        load_opened <= 0;
        if (!load_valid || load_ready) begin
            load_fields = $fscanf(weights, "%h", load_next);
            load_word <= load_next;
            load_valid <= load_fields == 1;
        end
    end"""
