"""The FPGAs that twinspike places for: what they hold and how the tools are told about them.

Capacities are from the data sheets (Lattice: iCE40 UltraPlus FPGA-DS-02008, iCE40 LP/HX FPGA-DS-02029,
ECP5 FPGA-DS-02012; Gowin: GW1NR DS117, GW2AR DS226) and are the ones that nextpnr reports as available.
"""

import dataclasses
from typing import Any

from ..numerics.errors import out_of_range


@dataclasses.dataclass(frozen=True)
class Device:
    """One device and package.

    `yosys` is the synthesis command (``-top`` and ``-json`` follow), `nextpnr` the arguments that
    choose device, placer and free pins; `cell_types` gives nextpnr's names of the counted resources.
    `frequency_mhz` is the clock asked for: a little above what a core reaches, so that the
    placer works on timing without giving up on it. Where nextpnr places no port by itself, `free_pins` are
    pins of the package for a design without constraints, its clock's first. `logic` is how many logic cells a
    cell of nextpnr's takes, where they are not one kind of cell. A clock that is stated is nextpnr's times
    `trusted`: less than 1 where its delays are known to be too short.
    """

    name: str
    title: str
    architecture: str
    yosys: str
    nextpnr: tuple[str, ...]
    frequency_mhz: float
    logic_cells: int
    logic_cell: str
    flipflops: int
    ram_blocks: int
    ram_block: str
    ram_block_bits: int
    spram: int
    dsp: int
    cell_types: dict[str, str]
    free_pins: tuple[int, ...] = ()
    logic: tuple[tuple[str, int], ...] = ()
    trusted: float = 1.0

    @property
    def resources(self) -> dict[str, tuple[int, str]]:
        """Countable resources: key -> (capacity, the name of one), those that the device has."""
        every = {
            "logic_cells": (self.logic_cells, f"{self.logic_cell}s"),
            "ram_blocks": (self.ram_blocks, f"{self.ram_block} blocks"),
            "spram": (self.spram, "SPRAM blocks"),
            "dsp": (self.dsp, "DSP blocks"),
        }
        return {key: value for key, value in every.items() if value[0]}


_ICE40_CELLS = {
    "logic_cells": "ICESTORM_LC",
    "ram_blocks": "ICESTORM_RAM",
    "spram": "ICESTORM_SPRAM",
    "dsp": "ICESTORM_DSP",
}
_ECP5_CELLS = {
    "logic_cells": "TRELLIS_COMB",
    "flipflops": "TRELLIS_FF",
    "ram_blocks": "DP16KD",
    "dsp": "MULT18X18D",
}


def _ice40(name: str, title: str, family: str, package: str, frequency: float, **capacity: Any) -> Device:
    return Device(
        name=name,
        title=title,
        architecture="ice40",
        yosys=f"synth_ice40 -abc9 -device {family}" + (" -dsp" if capacity["dsp"] else ""),
        nextpnr=(f"--{name}", "--package", package, "--pcf-allow-unconstrained"),
        frequency_mhz=frequency,
        logic_cell="logic cell",
        # One flip-flop stands in each logic cell.
        flipflops=capacity["logic_cells"],
        ram_block="EBR",
        ram_block_bits=4096,
        cell_types=_ICE40_CELLS,
        **capacity,
    )


def _ecp5(size: str, logic_cells: int, ram_blocks: int, dsp: int) -> Device:
    return Device(
        name=f"ecp5-{size}",
        title=f"Lattice ECP5-{size[:-1]}F, CABGA381",
        architecture="ecp5",
        yosys="synth_ecp5",
        nextpnr=(
            f"--{size}",
            "--package",
            "CABGA381",
            "--speed",
            "6",
            "--placer",
            "static",
            "--lpf-allow-unconstrained",
        ),
        frequency_mhz=125.0,
        logic_cells=logic_cells,
        logic_cell="LUT4",
        flipflops=logic_cells,
        ram_blocks=ram_blocks,
        ram_block="DP16KD",
        ram_block_bits=18432,
        spram=0,
        dsp=dsp,
        cell_types=_ECP5_CELLS,
    )


# A LUT RAM of 16 words of 4 bits takes a block of eight LUTs: nextpnr leaves the other four of it alone.
_GOWIN_LOGIC = (("LUT4", 1), ("ALU", 1), ("RAM16SDP4", 8))
_GOWIN_CELLS = {
    "logic_cells": "LUT4, ALU and RAM16SDP4",
    "flipflops": "DFF",
    "ram_blocks": "BSRAM",
    "dsp": "MULT18X18",
}
# Of 88 pins, free on both boards: nextpnr's default package of these parts.
_QN88_PINS = (52, *range(25, 31), *range(33, 43), 48, 49, 51, *range(53, 58), *range(71, 78), *range(79, 87))


def _gowin(
    name: str, title: str, series: str, part: str, family: str, frequency: float, **capacity: Any
) -> Device:
    return Device(
        name=name,
        title=title,
        architecture="gowin",
        # Block RAMs without the mode of two full ports: nextpnr does not time the second one.
        yosys=f"synth_gowin -no-rw-check -family {series}",
        nextpnr=("--device", part, "--vopt", f"family={family}"),
        frequency_mhz=frequency,
        logic_cell="LUT4",
        ram_block="BSRAM",
        ram_block_bits=18432,
        spram=0,
        cell_types=_GOWIN_CELLS,
        free_pins=_QN88_PINS,
        logic=_GOWIN_LOGIC,
        # nextpnr's delays of these parts are about 20 % too short.
        trusted=0.8,
        **capacity,
    )


DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        _ice40(
            "up5k",
            "Lattice iCE40 UP5K, SG48",
            "u",
            "sg48",
            48.0,
            logic_cells=5280,
            ram_blocks=30,
            spram=4,
            dsp=8,
        ),
        _ice40(
            "hx8k",
            "Lattice iCE40 HX8K, CT256",
            "hx",
            "ct256",
            100.0,
            logic_cells=7680,
            ram_blocks=32,
            spram=0,
            dsp=0,
        ),
        _ecp5("25k", 24288, 56, 28),
        _ecp5("85k", 83640, 208, 156),
        _gowin(
            "gw1n-9c",
            "Gowin GW1NR-9C, QN88P",
            "gw1n",
            "GW1NR-LV9QN88PC6/I5",
            "GW1N-9C",
            45.0,
            logic_cells=8640,
            flipflops=6480,
            ram_blocks=26,
            dsp=20,
        ),
        _gowin(
            "gw2a-18c",
            "Gowin GW2AR-18C, QN88",
            "gw2a",
            "GW2AR-LV18QN88C8/I7",
            "GW2A-18C",
            75.0,
            logic_cells=20736,
            flipflops=15552,
            ram_blocks=46,
            dsp=48,
        ),
    )
}


def architecture(target: str) -> str:
    """The architecture of a device, "" for a core that is made for none in particular."""
    return DEVICES[target].architecture if target in DEVICES else ""


def device(name: str) -> Device:
    """The device called `name`; raises TwinspikeError that lists the known ones."""
    if name not in DEVICES:
        raise out_of_range("device", name, "one of " + ", ".join(DEVICES))
    return DEVICES[name]


SPRAM_BITS = 1 << 18  # one SB_SPRAM256KA: 16,384 words of 16 bits


SPRAM_DEPTH = 1 << 14


UP5K_SPRAM_BLOCKS = 4


SPRAM_WIDTHS = (16, 32, 64)
