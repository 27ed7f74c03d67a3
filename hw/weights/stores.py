"""Weight memories: a row address in, a packed weight word a clock later."""

from typing import Any

from amaranth.hdl import Array, Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..plan import LayerPlan
from .image import load_layout
from .spram import SpramMemory


class BlockWeights(wiring.Component):
    """Weights in initialised block RAM, split into banks of power-of-two depth.

    A depth such as 12,544 would otherwise be rounded up to 16,384 by memory mapping.
    One word per clock, latency 1 clock; 2 clocks with `read_ahead`, where a register follows each bank and
    each block RAM is a memory of its own.

    Other layers that read the same words have ports of their own (`readers`), so that nobody waits: synthesis
    makes as many copies of the blocks as their ports ask for.

    Members: `address` (In), `data` (Out, P weights); of other readers those of `lent`.
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        super().__init__(
            {"address": In(range(plan.weight_words)), "data": Out(plan.weight_word_bits), **lent(plan)}
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        image = plan.weight_image()
        stored: list[tuple[int, int, list[Memory]]] = []
        for index, (start, depth) in enumerate(banks(plan.weight_words)):
            rows, parts = image[start : start + depth], []
            for low, bits in slices(plan.weight_word_bits, depth if plan.read_ahead else 0):
                part = [row >> low & ((1 << bits) - 1) for row in rows]
                memory = _filled(bits, depth, part)
                name = f"weights_{index}" + (f"_{low}" if bits < plan.weight_word_bits else "")
                m.submodules[name] = memory
                parts.append(memory)
            stored.append((start, depth, parts))
        self._read(m, stored, self.address, self.data)
        for address, data in lent_pairs(plan):
            self._read(m, stored, getattr(self, address), getattr(self, data))
        return m

    def _read(
        self, m: Module, stored: list[tuple[int, int, list[Memory]]], address: Value, data: Value
    ) -> None:
        """Ports through which a reader finds the word at `address` among the banks (start, depth, parts)."""
        outputs, starts = [], []
        for start, depth, parts in stored:
            ports = [memory.read_port() for memory in parts]
            m.d.comb += [port.addr.eq(address[: max(depth - 1, 0).bit_length()]) for port in ports]
            outputs.append(Cat(port.data for port in ports))
            starts.append(start)
        if self._plan.read_ahead:
            outputs = [_delayed(m, output) for output in outputs]
            address = _delayed(m, address)
        # Banks shrink from the front, so the bank of an address is the last one that starts below it.
        bank = Signal(range(max(len(outputs), 2)))
        for index, start in enumerate(starts):
            with m.If(address >= start):
                m.d.sync += bank.eq(index)
        m.d.comb += data.eq(Array(outputs)[bank])


def lent_pairs(plan: LayerPlan) -> list[tuple[str, str]]:
    """The names of address and data of each other layer that reads this one's memory."""
    return [(f"lent_address_{reader}", f"lent_data_{reader}") for reader in range(1, plan.readers)]


def lent(plan: LayerPlan) -> dict[str, Any]:
    """The members by which other layers read this one's memory."""
    members: dict[str, Any] = {}
    for address, data in lent_pairs(plan):
        members |= {address: In(range(plan.weight_words)), data: Out(plan.weight_word_bits)}
    return members


def borrowed(plan: LayerPlan) -> dict[str, Any]:
    """The members by which a layer reads another's memory, where it has none."""
    if plan.memory != "shared":
        return {}
    return {"weight_address": Out(range(plan.weight_words)), "weight_data": In(plan.weight_word_bits)}


# The widest words of an ECP5's block RAM of 16 kbit, by depth. Of a wider memory of such a depth yosys makes
# shallow blocks and selects among them behind their slow outputs, with no fewer blocks.
_BLOCK_BITS = {2048: 9, 4096: 4, 8192: 2, 16_384: 1}


def slices(width: int, depth: int) -> list[tuple[int, int]]:
    """(lowest bit, bits) of the parts of a word that make a block RAM each; all of it for other depths."""
    step = _BLOCK_BITS.get(depth, width)
    return [(low, min(step, width - low)) for low in range(0, width, step)]


def _filled(bits: int, depth: int, words: list[int]) -> Memory:
    """A memory of words that are known to fit.

    Amaranth checks each of `init` by making two constants of it: a minute for the weights of 784-1024-64.
    """
    memory = Memory(shape=bits, depth=depth, init=[])
    memory.init._raw[: len(words)] = words
    return memory


def _delayed(m: Module, value: Value) -> Signal:
    late = Signal(len(value), reset_less=True)
    m.d.sync += late.eq(value)
    return late


def banks(depth: int) -> list[tuple[int, int]]:
    """(start, depth) of at most three banks of falling power-of-two depth that cover `depth` words.

    Each start is a multiple of its bank's depth, so the low address bits index the bank.
    """
    found: list[tuple[int, int]] = []
    start = 0
    while depth - start > 0:
        left = depth - start
        size = 1 << (left.bit_length() - 1)
        if size < left and (len(found) == 2 or left < 512):
            size *= 2
        found.append((start, size))
        start += size
    return found


class SpramWeights(wiring.Component):
    """Weights in SPRAM, written by hw/weights/image.py's ImageCheck; same timing as BlockWeights.

    Members: `address`, `data` as in BlockWeights; `load` (In, of load_layout), which takes priority over
    reads.
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        super().__init__(
            {
                "address": In(range(plan.weight_words)),
                "data": Out(plan.weight_word_bits),
                "load": In(load_layout(plan)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = SpramMemory(self._plan.weight_word_bits, self._plan.spram_blocks)
        m.d.comb += [
            memory.address.eq(self.address),
            memory.load_enable.eq(self.load.enable),
            memory.load_address.eq(self.load.address),
            memory.load_data.eq(self.load.data),
            self.data.eq(memory.data),
        ]
        return m
