"""Weight memories: a row address in, a packed weight word a clock later."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .plan import LayerPlan
from .spram import SpramMemory
from .weight_image import load_layout


class BlockWeights(wiring.Component):
    """Weights in initialised block RAM, split into banks of power-of-two depth.

    A depth such as 12,544 would otherwise be rounded up to 16,384 by memory mapping.
    One word a clock, latency 1 clock; 2 clocks with `read_ahead`, where a register follows each bank.

    Members: `address` (In), `data` (Out, P weights).
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        super().__init__({
            "address": In(range(plan.weight_words)),
            "data": Out(plan.weight_word_bits),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        image = plan.weight_image()
        outputs, starts = [], []
        for index, (start, depth) in enumerate(banks(plan.weight_words)):
            memory = Memory(shape=plan.weight_word_bits, depth=depth, init=image[start : start + depth])
            m.submodules[f"weights_{index}"] = memory
            port = memory.read_port()
            m.d.comb += port.addr.eq(self.address[: max(depth - 1, 0).bit_length()])
            outputs.append(port.data)
            starts.append(start)
        address = self.address
        if plan.read_ahead:
            outputs = [_delayed(m, output) for output in outputs]
            address = _delayed(m, address)
        # Banks shrink from the front, so the bank of an address is the last one that starts below it.
        bank = Signal(range(max(len(outputs), 2)))
        for index, start in enumerate(starts):
            with m.If(address >= start):
                m.d.sync += bank.eq(index)
        m.d.comb += self.data.eq(Array(outputs)[bank])
        return m


def _delayed(m: Module, value: Signal) -> Signal:
    late = Signal.like(value, reset_less=True)
    m.d.sync += late.eq(value)
    return late


def banks(depth: int) -> list[tuple[int, int]]:
    """(start, depth) of at most three banks of falling power-of-two depth that cover `depth` words.

    Each start is a multiple of its bank's depth, so the low address bits index the bank. Behind
    deep banks there is none of fewer than 1,024 words: in the 36-bit mode that ECP5's block RAM
    would take for it, yosys 0.70 was seen to fail beside deep banks (an assertion in abc9).
    """
    least = 1024 if depth > 4096 else 1
    found: list[tuple[int, int]] = []
    start = 0
    while depth - start > 0:
        left = depth - start
        size = 1 << (left.bit_length() - 1)
        if size < left and (len(found) == 2 or left < 512):
            size *= 2
        size = max(size, least)
        found.append((start, size))
        start += size
    return found


class SpramWeights(wiring.Component):
    """Weights in SPRAM, written by hw/weight_image.py's ImageCheck; same timing as BlockWeights.

    Members: `address`, `data` as in BlockWeights; `load` (In, of load_layout), which goes before reading.
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        super().__init__({
            "address": In(range(plan.weight_words)),
            "data": Out(plan.weight_word_bits),
            "load": In(load_layout(plan)),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = SpramMemory(self._plan.weight_word_bits)
        m.d.comb += [
            memory.address.eq(self.address),
            memory.load_enable.eq(self.load.enable),
            memory.load_address.eq(self.load.address),
            memory.load_data.eq(self.load.data),
            self.data.eq(memory.data),
        ]
        return m
