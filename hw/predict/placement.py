"""Where a core's memories will lie: in blocks of RAM, LUT RAM or logic, as yosys decides it.

yosys (its pass memory_libmap, with the costs in its device libraries) compares each kind of RAM with
flip-flops, which cost 1 a bit, or tables, which cost 1/16 a bit of a memory that is only read, and takes
the least.
"""

import dataclasses
from math import ceil

import numpy as np

from ..core.duplicates import rows_layout
from ..devices import DEVICES
from ..layers.queue import queue_kind
from ..parts.events import mask_layout, word_shape
from ..parts.memories import quick, spare, style
from ..plan import CorePlan, LayerPlan
from ..plan.wide import QUEUE_STEPS, bank_rows, reference_rows
from ..plan.wide_conv import QUEUE_WORDS, WideConvPlan
from ..weights.stores import banks, slices

# (depth, width) that one block of RAM can be, and what yosys takes it to cost.
_BLOCK_MODES = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "gowin": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
}
_BLOCK_COST = {"ice40": 64, "ecp5": 128, "gowin": 128}
# Bits that share a write enable in a block: a written word is filled up to a multiple of them, or of a
# narrower block's width.
_BYTE = {"ice40": 1, "ecp5": 9, "gowin": 9}
_LUT_RAM, _LUT_RAM_COST = (16, 4), 4
_HAVE_LUT_RAM = ("ecp5", "gowin")
# For each bit and stacked unit but the first a multiplexer; for each written unit its enable; a read port.
_MUX_COST, _ENABLE_COST, _READ_COST = 0.5, 0.5, 2


@dataclasses.dataclass(frozen=True)
class Stored:
    """A memory: `kind` "ram", "rom", or "tables" (read within a clock, so never a RAM); `asked`: its
    ram_style."""

    name: str
    depth: int
    width: int
    kind: str = "ram"
    asked: str = ""
    enables: int = 1  # parts that are written by themselves
    readers: int = 1  # read ports
    changing: int | None = None  # its tables whose content is not 0 or 1 throughout, if that is known

    @property
    def bits(self) -> int:
        return self.depth * self.width

    @property
    def tables(self) -> int:
        """4-input tables that hold it: one for 16 words of a bit."""
        return self.width * ceil(self.depth / 16) if self.changing is None else self.changing


def stored(plan: CorePlan) -> list[Stored]:
    """Every memory of a core but SPRAM, named by its place in the core."""
    return _wide(plan) if plan.wide else _serial(plan)


def _serial(plan: CorePlan) -> list[Stored]:
    found = []
    if plan.check_duplicates:
        words, row = rows_layout(plan.layers[0].inputs)
        asked = quick(plan.target, words * row.size).get("ram_style", "")
        found.append(Stored("ingress.duplicates.rows", words, row.size, asked=asked))
    for number, merge in enumerate(plan.merges):
        if merge and merge.gathers:
            width = merge.lanes * len(merge.sources)
            found.append(Stored(f"merge{number}.rows", merge.words, width))
    for i, layer in enumerate(plan.layers):
        words = layer.words
        for k, relay in enumerate(plan.before(i)):
            found += [Stored(f"relay{i}_{k}.{name}", n, bits, use) for name, n, bits, use in relay.memories]
        found += [
            Stored(f"layer{i}.synapses.{name}", len(rows), _table_bits(rows), "rom", changing=_tables(rows))
            for name, rows in layer.tables().items()
            if _tables(rows)
        ]
        if layer.memory == "block":
            for index, (_, depth) in enumerate(banks(layer.weight_words)):
                for low, bits in slices(layer.weight_word_bits, depth if layer.read_ahead else 0):
                    part = f"_{low}" if bits < layer.weight_word_bits else ""
                    found.append(
                        Stored(
                            f"layer{i}.synapses.memory.weights_{index}{part}",
                            depth,
                            bits,
                            "rom",
                            readers=layer.readers,
                        )
                    )
        found += [
            Stored(
                f"layer{i}.neurons.state",
                words,
                layer.state_word_bits,
                asked=layer.state_style,
            ),
            *_listed(layer, f"layer{i}.synapses.sweeper.words"),
            _queue(plan, layer, f"queue{i}.memory"),
            *_constants(layer, f"layer{i}.neurons.threshold", layer.margins, layer.threshold_bits),
            *_constants(layer, f"layer{i}.neurons.bias", layer.biases, layer.bias_bits),
            *_constants(layer, f"layer{i}.neurons.background", layer.backgrounds, layer.background_bits),
        ]
    return found + _readout(plan)


def _queue(plan: CorePlan, layer: LayerPlan, name: str) -> Stored:
    # Padding lanes never spike: their bits are not kept.
    unused = layer.queued_bits - layer.queued_bits // layer.lanes * layer.used_lanes
    kind, width = queue_kind(layer), mask_layout(layer.queued_bits, layer.words).size - unused
    asked = kind.attributes(plan.target, layer.queued_bits, layer.words, plan.short_of_blocks).get(
        "ram_style", ""
    )
    return Stored(name, 1 << kind.index_bits(layer.words), width, asked=asked)


def _listed(layer: LayerPlan, name: str) -> list[Stored]:
    """The words that a TICK sweeps, where they stand in a list."""
    if not layer.listed:
        return []
    words = layer.sweep
    kind = "ram" if layer.sweeps_reached else "rom"
    return [Stored(name, max(len(words), 2), word_shape(layer.words), kind)]


def _constants(layer: LayerPlan, name: str, words: np.ndarray, bits: int) -> list[Stored]:
    """A memory of numbers [words, P], but for equal ones; bits that never change need no table."""
    if (words == words.flat[0]).all() or (len(words) == 1 and layer.parameter_bits == 0):
        return []
    depth = len(words)
    columns = (words[:, :, None] >> np.arange(bits) & 1).reshape(depth, -1)
    tables = [columns[first : first + 16] for first in range(0, depth, 16)]
    changing = sum(int((table.min(axis=0) != table.max(axis=0)).sum()) for table in tables)
    return [Stored(name, depth, layer.lanes * bits, "rom", changing=changing)]


def _table_bits(table: np.ndarray) -> int:
    """Width of a table [depth, fields], each field as wide as its largest value."""
    return sum(int(field).bit_length() for field in table.max(axis=0))


def _tables(table: np.ndarray) -> int:
    """4-input tables that hold a table [depth, fields]: none for bits that never change."""
    columns = (table[:, :, None] >> np.arange(32) & 1).reshape(len(table), -1)
    parts = [columns[first : first + 16] for first in range(0, len(table), 16)]
    return sum(int((part.min(axis=0) != part.max(axis=0)).sum()) for part in parts)


def _readout(plan: CorePlan) -> list[Stored]:
    neurons = plan.network.outputs
    asked = style(plan.target, plan.count_bits * neurons, plan.short_of_blocks).get("ram_style", "")
    if plan.network.readout == "membrane":
        words, width = plan.layers[-1].words, plan.layers[-1].lanes * plan.distance_bits
        asked = style(plan.target, max(words, 2) * width, plan.short_of_blocks).get("ram_style", "")
        return [Stored("readout.sums", max(words, 2), width, asked=asked)]
    if not plan.references:
        return [Stored("readout.counts", neurons, plan.count_bits, asked=asked)]
    rows, columns, table = plan.reference_rows, plan.columns + 1, "readout.references.table"
    if plan.slots:
        width = columns * plan.count_bits
        room = spare(plan.target, rows * width).get("ram_style", "")
        found = [Stored(table, rows, width, asked=room, enables=columns)]
    else:
        found = [
            Stored(table, rows, _used_bits(plan.reference_left()), "rom"),
            _labels(plan, "readout.references.labels"),
        ]
    return [*found, Stored("readout.cumulative", neurons, plan.count_bits, asked=asked)]


def _labels(plan: CorePlan, name: str) -> Stored:
    return Stored(name, max(plan.references, 2), 16, "tables")


def _used_bits(rows: np.ndarray) -> int:
    """Bits that are set in some row of a table [rows, ...] of counts: others are not there."""
    return sum(int(value).bit_count() for value in np.bitwise_or.reduce(rows, axis=0).ravel())


def _wide(plan: CorePlan) -> list[Stored]:
    found = []
    if plan.wide_maps and (table := plan.wide_maps[0].seen.table) is not None:
        found.append(Stored("places.table", len(table), max(plan.wide_maps[0].seen.bits, 1), "rom"))
    for i, layer in enumerate(plan.layers):
        if isinstance(layer, WideConvPlan):
            found += wide_conv_memories(layer, i)
            continue
        width = layer.neurons * layer.layer.spec.weight_bits
        found += [
            Stored(f"layer{i}.weights_{b}", bank_rows(layer), width, "rom")
            for b in range(layer.events_per_clock)
        ]
        found.append(Stored(f"queue{i}.fifo.storage", QUEUE_STEPS, mask_layout(layer.neurons, 1).size))
    found.append(Stored("readout_queue.fifo.storage", QUEUE_STEPS, mask_layout(plan.network.outputs, 1).size))
    rows = reference_rows(plan)
    return [
        *found,
        Stored("readout.references", len(rows), _used_bits(rows), "rom"),
        _labels(plan, "readout.labels"),
    ]


def wide_conv_memories(layer: WideConvPlan, index: int) -> list[Stored]:
    """The memories of a wide convolution, layer `index`."""
    found = []
    for name, codes, memory in (
        ("rows", layer.seen.ys, layer.tap_rows("rows")),
        ("columns", layer.seen.xs, layer.tap_rows("columns")),
    ):
        if len(codes) > 1:
            found.append(Stored(f"layer{index}.{name}", len(codes), memory[0], "tables"))
    for bank in range(layer.banks):
        found.append(
            Stored(f"layer{index}.weights_{bank}", layer.weight_words, layer.weight_word_bits, "rom")
        )
        kept = [("state", layer.state_bits), *([("held", layer.held_bits)] if layer.layer.hold else [])]
        found += [
            Stored(
                f"layer{index}.{name}_{bank}_{lanes.start}",
                layer.words,
                len(lanes) * bits,
                asked="distributed",
            )
            for name, bits in kept
            for lanes in layer.lane_groups
        ]
    width = mask_layout(layer.lanes, layer.words).size + layer.banks
    return [*found, Stored(f"queue{index}.fifo.storage", QUEUE_WORDS, width)]


def _units(memory: Stored, depth: int, width: int, byte: int, cost: float) -> tuple[float, int]:
    """(cost, how many) of units of `depth` words of `width` bits that make up the memory."""
    rows = ceil(memory.depth / depth)
    byte = 1 if memory.kind == "rom" else min(byte, width)
    part = ceil(memory.width / memory.enables / byte) * byte
    count = ceil(rows * memory.enables * part / width)
    total = cost * count + _MUX_COST * (rows - 1) * memory.width + _READ_COST
    return total + (_ENABLE_COST * rows * memory.enables if rows > 1 and memory.kind == "ram" else 0), count


def place(memory: Stored, architecture: str) -> tuple[str, int]:
    """("block", how many), ("lut ram", of 16 x 4 bits), ("registers", bits) or ("tables", of 4 inputs)."""
    read_only = memory.kind != "ram"
    logic = ("tables", memory.tables) if read_only else ("registers", memory.bits)
    if memory.asked == "registers" or memory.kind == "tables":
        return logic
    cost, count = _units(memory, *_LUT_RAM, _LUT_RAM[1], _LUT_RAM_COST)
    if architecture == "gowin":
        # yosys takes a unit that is used in part to cost its part.
        cost -= _LUT_RAM_COST * (count - ceil(memory.depth / _LUT_RAM[0]) * memory.width / _LUT_RAM[1])
    if memory.asked == "distributed":
        return "lut ram", count
    options = [(memory.bits / 16 if read_only else memory.bits, logic)]
    if memory.asked == "block":
        options = []
    elif architecture in _HAVE_LUT_RAM and not read_only:
        options.append((cost, ("lut ram", count)))
    byte, each = _BYTE[architecture], _BLOCK_COST[architecture]
    for depth, width in _BLOCK_MODES[architecture]:
        cost, count = _units(memory, depth, width, byte, each)
        options.append((cost, ("block", count)))
    return min(options, key=lambda option: option[0])[1]


def placed(plan: CorePlan) -> dict[str, int]:
    """What all memories of a core for a real device take: kind of `place` -> amount."""
    total = dict.fromkeys(("block", "lut ram", "registers", "tables"), 0)
    for memory in stored(plan):
        kind, amount = place(memory, DEVICES[plan.target].architecture)
        # At most: two ports of one block may serve two readers.
        total[kind] += amount * memory.readers
    return total


def memory_bits(plan: CorePlan) -> int:
    """Bits of all memories, SPRAM included."""
    spram = sum(x.weight_words * x.weight_word_bits for x in plan.loaded)
    return spram + sum(memory.bits for memory in stored(plan))


def ram_blocks(plan: CorePlan) -> int:
    """Predicted blocks of RAM."""
    return placed(plan)["block"]


def spram_blocks(plan: CorePlan) -> int:
    """SPRAM blocks: all of them for a single layer."""
    return sum(layer.spram_blocks for layer in plan.loaded)
