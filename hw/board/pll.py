"""Settings of the clock multipliers of iCE40, ECP5 and Gowin's devices for a wanted frequency."""

import dataclasses
import itertools

from ...numerics.errors import out_of_range

# How far off the wanted frequency may be.
MOST_ERROR = 0.005


@dataclasses.dataclass(frozen=True)
class Ice40Pll:
    """Parameters of SB_PLL40_* in mode SIMPLE, and the frequency that they give.

    f = f_in * (divf + 1) / (divr + 1) / 2^divq. Source: Lattice FPGA-TN-02052, iCE40 sysCLOCK PLL.
    """

    divr: int
    divf: int
    divq: int
    filter_range: int
    frequency_mhz: float


@dataclasses.dataclass(frozen=True)
class Ecp5Pll:
    """Parameters of EHXPLLL with feedback from CLKOP, and the frequency that they give.

    f = f_in * fb_div / i_div; the oscillator runs at f * op_div. Source: Lattice FPGA-TN-02200.
    """

    i_div: int
    fb_div: int
    op_div: int
    frequency_mhz: float


@dataclasses.dataclass(frozen=True)
class GowinPll:
    """Parameters of rPLL, and the frequency that they give.

    f = f_in * (fbdiv_sel + 1) / (idiv_sel + 1); the oscillator runs at f * odiv_sel. Source: Gowin UG286.
    """

    idiv_sel: int
    fbdiv_sel: int
    odiv_sel: int
    frequency_mhz: float


def ice40_pll(input_mhz: float, wanted_mhz: float) -> Ice40Pll:
    """The setting closest to `wanted_mhz`, with the fastest phase detector; raises TwinspikeError."""
    found = []
    for divr in range(16):
        compared = input_mhz / (divr + 1)
        if not 10 <= compared <= 133:
            continue
        for divf, divq in itertools.product(range(128), range(1, 7)):
            oscillator = compared * (divf + 1)
            if 533 <= oscillator <= 1066 and 16 <= oscillator / (1 << divq) <= 275:
                found.append(Ice40Pll(divr, divf, divq, _filter(compared), oscillator / (1 << divq)))
    return _closest(found, wanted_mhz, input_mhz, lambda pll: pll.divr)


def ecp5_pll(input_mhz: float, wanted_mhz: float) -> Ecp5Pll:
    """The setting closest to `wanted_mhz`, with the fastest phase detector; raises TwinspikeError."""
    found = []
    for i_div, fb_div in itertools.product(range(1, 129), range(1, 81)):
        frequency = input_mhz * fb_div / i_div
        if input_mhz / i_div < 3.125 or frequency > 400:
            continue
        # The oscillator's range is 400 to 800 MHz: its middle is the quietest.
        op_div = max(1, round(600 / frequency))
        if op_div <= 128 and 400 <= frequency * op_div <= 800:
            found.append(Ecp5Pll(i_div, fb_div, op_div, frequency))
    return _closest(found, wanted_mhz, input_mhz, lambda pll: pll.i_div)


def gowin_pll(input_mhz: float, wanted_mhz: float) -> GowinPll:
    """The setting closest to `wanted_mhz`, with the fastest phase detector; raises TwinspikeError.

    Within the limits of both GW1NR-9 C6/I5 (DS117) and GW2AR-18 C8/I7 (DS226).
    """
    found = []
    for idiv, fbdiv in itertools.product(range(64), range(64)):
        frequency = input_mhz * (fbdiv + 1) / (idiv + 1)
        if not (3 <= input_mhz / (idiv + 1) <= 400 and 3.91 <= frequency <= 600):
            continue
        # The oscillator's range is 500 to 1,200 MHz: near its middle.
        odiv = min(_GOWIN_ODIV, key=lambda odiv: abs(frequency * odiv - 850))
        if 500 <= frequency * odiv <= 1200:
            found.append(GowinPll(idiv, fbdiv, odiv, frequency))
    return _closest(found, wanted_mhz, input_mhz, lambda pll: pll.idiv_sel)


_GOWIN_ODIV = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)


def _filter(compared_mhz: float) -> int:
    limits = (17, 26, 44, 66, 101)
    return 1 + sum(compared_mhz >= limit for limit in limits)


def _closest(found, wanted: float, given: float, divider):
    best = min(found, key=lambda pll: (round(abs(pll.frequency_mhz - wanted), 6), divider(pll)), default=None)
    if best is None or abs(best.frequency_mhz / wanted - 1) > MOST_ERROR:
        raise out_of_range("clock_mhz", wanted, f"what a PLL can make of {given:g} MHz")
    return best
