"""Bus masters with random pauses, and watchers of the protocols' rules, in Amaranth's simulator."""


class Wishbone:
    """Master of Wishbone B4 classic cycles; a pause may stand between cycles, with `stb` or `cyc` low."""

    def __init__(self, dut, rng, stall):
        self.dut, self.rng, self.stall = dut, rng, stall

    async def write(self, ctx, offset, value, mask=0xF):
        await self._cycle(ctx, offset, 1, value, mask)

    async def read(self, ctx, offset):
        return await self._cycle(ctx, offset, 0, 0, 0xF)

    async def _cycle(self, ctx, offset, we, value, mask):
        dut = self.dut
        while self.rng.random() < self.stall:
            ctx.set(dut.wb_cyc_i, self.rng.random() < 0.5)
            await ctx.tick()
        for name, v in (("cyc", 1), ("stb", 1), ("we", we), ("adr", offset), ("sel", mask), ("dat", value)):
            ctx.set(getattr(dut, f"wb_{name}_i"), v)
        *_, found, ack = await ctx.tick().sample(dut.wb_dat_o, dut.wb_ack_o)
        clocks = 1
        while not ack:
            *_, found, ack = await ctx.tick().sample(dut.wb_dat_o, dut.wb_ack_o)
            clocks += 1
            assert clocks <= 2, "a transfer takes 2 clocks"
        ctx.set(dut.wb_stb_i, 0)
        if self.rng.random() < 0.5:
            ctx.set(dut.wb_cyc_i, 0)
        # Between cycles the other signals mean nothing.
        ctx.set(dut.wb_we_i, 1)
        ctx.set(dut.wb_dat_i, 0xFFFF_FFFF)
        return found

    async def watch(self, ctx):
        dut = self.dut
        async for *_, stb, cyc, ack in ctx.tick().sample(dut.wb_stb_i, dut.wb_cyc_i, dut.wb_ack_o):
            assert not ack or (stb and cyc), "ack without a request"


class AxiLite:
    """Master of AXI4-Lite: address, data and response each at their own pace."""

    def __init__(self, dut, rng, stall):
        self.dut, self.rng, self.stall = dut, rng, stall

    async def write(self, ctx, offset, value, mask=0xF):
        dut = self.dut
        offers = {
            "aw": {"awaddr": offset, "awprot": int(self.rng.integers(8))},
            "w": {"wdata": value, "wstrb": mask},
        }
        await self._transaction(ctx, offers, "b", dut.s_axil_bresp)

    async def read(self, ctx, offset):
        return await self._transaction(ctx, {"ar": {"araddr": offset}}, "r", self.dut.s_axil_rdata)

    async def _transaction(self, ctx, offers, response, payload):
        port = lambda name: getattr(self.dut, f"s_axil_{name}")  # noqa: E731
        pending, offered, clocks = set(offers), set(), 0
        while True:
            for channel in sorted(pending - offered):
                if self.rng.random() >= self.stall:
                    offered.add(channel)
                    ctx.set(port(f"{channel}valid"), 1)
                    for name, value in offers[channel].items():
                        ctx.set(port(name), value)
            ready = self.rng.random() >= self.stall
            ctx.set(port(f"{response}ready"), ready)
            names = [f"{channel}ready" for channel in sorted(offers)]
            _, _, come, value, *took = await ctx.tick().sample(
                port(f"{response}valid"), payload, *(port(name) for name in names)
            )
            for channel, taken in zip(sorted(offers), took, strict=True):
                if taken and channel in offered:
                    offered.remove(channel)
                    pending.discard(channel)
                    ctx.set(port(f"{channel}valid"), 0)
                    for name in offers[channel]:
                        ctx.set(port(name), (1 << len(port(name))) - 1)
            if come:
                assert not pending, "a response before the request was taken"
                if ready:
                    ctx.set(port(f"{response}ready"), 0)
                    return value
            clocks += 1
            assert clocks < 200

    async def watch(self, ctx):
        d = self.dut
        before = {}
        async for _, reset, bv, br, bresp, rv, rr, rresp, rdata in ctx.tick().sample(
            d.s_axil_bvalid,
            d.s_axil_bready,
            d.s_axil_bresp,
            d.s_axil_rvalid,
            d.s_axil_rready,
            d.s_axil_rresp,
            d.s_axil_rdata,
        ):
            for channel, valid, ready, payload in (("b", bv, br, bresp), ("r", rv, rr, (rresp, rdata))):
                held = before.get(channel)
                assert held is None or (valid and payload == held), f"{channel}: changed before it was taken"
                before[channel] = payload if valid and not ready and not reset else None
            assert not (bv and bresp) and not (rv and rresp)


MASTERS = {"wishbone": Wishbone, "axilite": AxiLite}
