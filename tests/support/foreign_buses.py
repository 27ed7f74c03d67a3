"""cocotb test of a top of an IP package, driven by bus models from elsewhere, which pause at random.

Runs inside the simulator. The package's folder comes in the variable PACKAGE: golden vectors and the
register map are read from there.
"""

import itertools
import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)
from cocotbext.wishbone.driver import WBOp, WishboneMaster

_WISHBONE = {
    "cyc": "cyc_i",
    "stb": "stb_i",
    "we": "we_i",
    "adr": "adr_i",
    "sel": "sel_i",
    "datwr": "dat_i",
    "datrd": "dat_o",
    "ack": "ack_o",
}
_STREAMS = ("m_axis", "m_result")


@cocotb.test()
async def frames(dut):
    """All golden frames: results and output spikes are the vectors', whatever pauses there are."""
    chance = random.Random(7)
    Clock(dut.clk, 10, unit="ns").start()
    wanted = {name: _beats(file) for name, file in (("m_axis", "spikes.mem"), ("m_result", "results.mem"))}
    sinks = {name: AxiStreamSink(AxiStreamBus.from_prefix(dut, name), dut.clk, dut.rst) for name in _STREAMS}
    for sink in sinks.values():
        sink.set_pause_generator(_pauses(chance))
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
    source.set_pause_generator(_pauses(chance))
    dut.rst.value = 1
    if hasattr(dut, "error_clear"):
        dut.error_clear.value = 0
    # What the Wishbone master sets before anything has happened, Icarus forgets.
    await ClockCycles(dut.clk, 1)
    bus = _bus(dut, chance)
    await ClockCycles(dut.clk, 4)
    dut.rst.value = 0
    for name in _STREAMS:
        cocotb.start_soon(_stays_until_taken(dut, name))
    stimulus = _frames(_beats("stimulus.mem"))
    for frame in stimulus[: len(stimulus) // 2] if bus else stimulus:
        await source.send(AxiStreamFrame(b"".join(word.to_bytes(2, "little") for word in frame)))
    read = []
    if bus:
        await bus("MODE", 1)
        # Half of the frames come through the stream, the others through the bus, which reads all results.
        for _ in range(len(stimulus) // 2):
            read.append(await _result(bus))
        for frame in stimulus[len(stimulus) // 2 :]:
            await _send(bus, frame)
            read.append(await _result(bus))
        assert await bus("ERRORS") == 0
        assert await bus("FRAMES") == len(stimulus)
    seen = {}
    for name, sink in sinks.items():
        size, seen[name] = len(getattr(dut, f"{name}_tdata")) // 8, []
        while len(seen[name]) < len(wanted[name]):
            data = bytes((await with_timeout(sink.recv(), 1, "ms")).tdata)
            words = [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]
            seen[name] += [(word, i == len(words) - 1) for i, word in enumerate(words)]
    await ClockCycles(dut.clk, 200)
    assert all(sink.empty() for sink in sinks.values())
    assert [word for word, _ in seen["m_result"]] == wanted["m_result"]
    assert [word | last << 16 for word, last in seen["m_axis"]] == wanted["m_axis"]
    if bus:
        distances = [(word & 0xFFFFFFFF, word >> 32 & 0xFFFFFFFF, word >> 64) for word in wanted["m_result"]]
        assert read == distances


def _beats(file):
    return [int(word, 16) for word in (Path(os.environ["PACKAGE"]) / "tb" / file).read_text().split()]


def _frames(beats):
    """Words of each frame: a beat is a word, and bit 16 for the last one."""
    found = [[]]
    for beat in beats:
        found[-1].append(beat & 0xFFFF)
        if beat >> 16:
            found.append([])
    assert not found.pop()
    return found


def _pauses(chance):
    """Pauses of 0 to 6 clocks, between beats that go through one to five at a time."""
    own = random.Random(chance.random())
    while True:
        yield from itertools.repeat(False, own.randint(1, 5))
        yield from itertools.repeat(True, own.randint(0, 6))


async def _stays_until_taken(dut, stream):
    """A beat once offered stays as it is until it is taken."""
    valid, ready, data, last = (
        getattr(dut, f"{stream}_t{name}") for name in ("valid", "ready", "data", "last")
    )
    before = None
    while True:
        await RisingEdge(dut.clk)
        await ReadOnly()
        offered = (int(data.value), int(last.value)) if valid.value == 1 else None
        assert before in (None, offered), f"{stream}: {before} was withdrawn for {offered}"
        before = offered if ready.value == 0 else None


def _bus(dut, chance):
    """A coroutine that reads a register by its name, or writes to it where a value is given."""
    table = json.loads((Path(os.environ["PACKAGE"]) / "registers.json").read_text())
    offsets = {register["name"]: register["offset"] for register in table["registers"]}
    if hasattr(dut, "wb_cyc_i"):
        master = WishboneMaster(dut, "wb", dut.clk, width=32, timeout=100, signals_dict=_WISHBONE)

        async def transfer(name, value=None):
            operation = WBOp(offsets[name], value, idle=chance.randint(0, 5), acktimeout=50)
            (done,) = await master.send_cycle([operation])
            assert done.ack == 1
            return int(done.datrd) if value is None else None

    elif hasattr(dut, "s_axil_awvalid"):
        master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        for channel in (
            master.write_if.aw_channel,
            master.write_if.w_channel,
            master.write_if.b_channel,
            master.read_if.ar_channel,
            master.read_if.r_channel,
        ):
            channel.set_pause_generator(_pauses(chance))

        async def transfer(name, value=None):
            if value is None:
                return await with_timeout(master.read_dword(offsets[name]), 20, "us")
            await with_timeout(master.write_dword(offsets[name], value), 20, "us")

    else:
        return None
    return transfer


async def _send(bus, words):
    for i, word in enumerate(words):
        while not await bus("EVENT_SPACE"):
            pass
        await bus("EVENT", word | (i == len(words) - 1) << 16)


async def _result(bus):
    """Distance, runner-up and label with `same` above it, once they are there."""
    while not await bus("STATUS") & 4:
        pass
    found = await bus("DISTANCE"), await bus("RUNNER_UP"), await bus("LABEL")
    await bus("STATUS", 4)
    return found
