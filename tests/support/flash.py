"""A model of a serial flash memory for Amaranth's simulator: SPI mode 0, commands 0xAB and 0x03."""

import numpy as np


class Flash:
    """Answers on `miso` of a loader; `seen` holds the commands, and reads outside `content` give ones.

    Asleep until 0xAB came and `wake` clocks passed after it, as a configuration leaves a flash.
    `missing`: nothing drives the line, which is pulled up.
    """

    def __init__(self, content: bytes, *, offset=0, wake=30, missing=False):
        self.content, self.offset, self.wake, self.missing = content, offset, wake, missing
        self.seen, self.problems = [], []
        self.clock, self.awake_at = 0, None

    async def run(self, ctx, dut):
        """Follow the pins: what changes within a clock is seen, and answered, within it."""
        ctx.set(dut.miso, 1)
        cs_before, sck_before, bits = 1, 0, []
        async for cs_n, sck in ctx.changed(dut.cs_n, dut.sck):
            if cs_before and not cs_n:
                bits = []
                if sck:
                    self.problems.append("selected while sck is high")
            if not cs_n and sck and not sck_before:
                bits.append(ctx.get(dut.mosi))
                if len(bits) == 8:
                    self.seen.append(self._number(bits))
                    if self.seen[-1] == 0xAB:
                        self.awake_at = self.clock + self.wake
            if not cs_n and sck_before and not sck and len(bits) >= 32 and self.seen[-1] == 3:
                byte, bit = divmod(len(bits) - 32, 8)
                at = self._number(bits[8:32]) + byte - self.offset
                awake = self.awake_at is not None and self.clock >= self.awake_at
                value = self.content[at] if 0 <= at < len(self.content) and awake else 0xFF
                ctx.set(dut.miso, 1 if self.missing else value >> (7 - bit) & 1)
            if cs_n:
                ctx.set(dut.miso, 1)
            cs_before, sck_before = cs_n, sck

    async def count(self, ctx):
        """The clocks that pass, for `wake`."""
        async for _ in ctx.tick():
            self.clock += 1

    @staticmethod
    def _number(bits):
        return int(np.array(bits) @ (1 << np.arange(len(bits) - 1, -1, -1)))
