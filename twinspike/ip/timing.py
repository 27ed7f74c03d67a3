"""Timing diagrams of a package in WaveDrom's JSON: transfers as simulated, a frame by the cycle contract."""

import json
from typing import Any

import wavedrom
from amaranth.hdl import Module
from amaranth.sim import Simulator

from twinspike.hw.bus.top import BUSES
from twinspike.hw.bus.wishbone import WishboneAdapter

Wave = dict[str, Any]
# Ports that say nothing here.
_CONSTANT = ("prot", "resp")
# THRESHOLD is written, ID is read.
_OFFSET, _WRITTEN, _READ = 0x2C, 0x7, 0x4B50_5354


def bus_waves(bus: str) -> Wave:
    """A write and a read over a bus, clock by clock: the adapter of the tops, simulated alone."""
    adapter = BUSES[bus]()
    m = Module()
    m.submodules.adapter = adapter
    port = adapter.registers
    # As hw/bus/register_file.py: what is read comes a clock after it was asked for.
    with m.If(port.read):
        m.d.sync += port.read_data.eq(_READ)
    shown = [name for name in adapter.MEMBERS if not name.endswith(_CONSTANT)]
    seen: dict[str, list[int]] = {name: [] for name in shown}

    async def master(ctx):
        await ctx.tick()
        await (_wishbone if isinstance(adapter, WishboneAdapter) else _axilite)(ctx, adapter)

    async def watch(ctx):
        async for _, _, *values in ctx.tick().sample(*(getattr(adapter, name) for name in seen)):
            for name, value in zip(seen, values, strict=True):
                seen[name].append(value)

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(master)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    clocks = len(next(iter(seen.values())))
    signals: list[Wave] = [{"name": "clk", "wave": "p" + "." * (clocks - 1)}]
    signals += [_signal(name, seen[name], len(getattr(adapter, name)) > 1) for name in seen]
    return {"signal": signals, "head": {"text": f"{bus}: a write, then a read"}, "config": {"hscale": 2}}


async def _wishbone(ctx, bus) -> None:
    for write in (True, False):
        ctx.set(bus.wb_cyc_i, 1)
        ctx.set(bus.wb_stb_i, 1)
        ctx.set(bus.wb_we_i, write)
        ctx.set(bus.wb_adr_i, _OFFSET if write else 0)
        ctx.set(bus.wb_sel_i, 0xF)
        ctx.set(bus.wb_dat_i, _WRITTEN if write else 0)
        await ctx.tick().until(bus.wb_ack_o)
        ctx.set(bus.wb_cyc_i, 0)
        ctx.set(bus.wb_stb_i, 0)
        await ctx.tick()


async def _axilite(ctx, bus) -> None:
    ctx.set(bus.s_axil_bready, 1)
    ctx.set(bus.s_axil_rready, 1)
    ctx.set(bus.s_axil_awaddr, _OFFSET)
    ctx.set(bus.s_axil_awvalid, 1)
    ctx.set(bus.s_axil_wdata, _WRITTEN)
    ctx.set(bus.s_axil_wstrb, 0xF)
    ctx.set(bus.s_axil_wvalid, 1)
    await ctx.tick()
    ctx.set(bus.s_axil_awvalid, 0)
    ctx.set(bus.s_axil_wvalid, 0)
    await ctx.tick().until(bus.s_axil_bvalid)
    ctx.set(bus.s_axil_araddr, 0)
    ctx.set(bus.s_axil_arvalid, 1)
    await ctx.tick()
    ctx.set(bus.s_axil_arvalid, 0)
    await ctx.tick().until(bus.s_axil_rvalid)
    await ctx.tick()


def frame_waves(latency: int, timesteps: int, events: int) -> Wave:
    """A frame of so many address words and TICKs; its result comes `latency` clocks after the first."""
    words = ["address", "TICK", "TICK", "TICK T"]
    return {
        "signal": [
            {"name": "clk", "wave": "p..|..|...|..."},
            {"name": "s_axis_tvalid", "wave": "01.|..|.0.|..."},
            {"name": "s_axis_tready", "wave": "1..|01|...|..."},
            {"name": "s_axis_tdata", "wave": "x34|5.|6x.|...", "data": words},
            {"name": "s_axis_tlast", "wave": "0..|..|10.|..."},
            {},
            {"name": "m_result_tvalid", "wave": "0..|..|...|.10"},
            {"name": "m_result_tready", "wave": "1..|..|...|..."},
            {"name": "m_result_tdata", "wave": "x..|..|...|.7x", "data": ["record"]},
        ],
        "head": {
            "text": f"{events} events and {timesteps} TICKs; the result {latency} clocks after the first word"
        },
    }


def _signal(name: str, values: list[int], wide: bool) -> Wave:
    wave, data, before = "", [], None
    for value in values:
        if value == before:
            wave += "."
        elif wide:
            wave += "3"
            data.append(f"0x{value:x}")
        else:
            wave += str(value)
        before = value
    return {"name": name, "wave": wave} | ({"data": data} if wide else {})


def wave_svg(wave: Wave) -> str:
    """The diagram as WaveDrom draws it."""
    return wavedrom.render(json.dumps(wave)).tostring() + "\n"
