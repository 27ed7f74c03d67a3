"""Boards: clock settings, pins, a top for every platform, and what is said when something is missing."""

import pytest
from support.networks import random_network

from twinspike.boards.steps import flash
from twinspike.config import load_config
from twinspike.flow.folders import Folders
from twinspike.hw.board.bitstream import _check_timing, _pins
from twinspike.hw.board.boards import BOARDS, board
from twinspike.hw.board.pll import ecp5_pll, gowin_pll, ice40_pll
from twinspike.hw.board.top import BoardTop, check_line
from twinspike.hw.plan import make_plan
from twinspike.hw.settings import BOARD_NAMES
from twinspike.numerics.errors import TwinspikeError

DIGITS = load_config("digits")


# What icepll and ecppll give.
@pytest.mark.parametrize(
    ("wanted", "setting"),
    [(48, (0, 63, 4, 1)), (36, (0, 47, 4, 1)), (60, (0, 79, 4, 1)), (16.5, (0, 87, 6, 1))],
)
def test_ice40_pll(wanted, setting):
    pll = ice40_pll(12, wanted)
    assert (pll.divr, pll.divf, pll.divq, pll.filter_range) == setting
    assert pll.frequency_mhz == 12 * (pll.divf + 1) / (pll.divr + 1) / 2**pll.divq == wanted
    assert 533 <= wanted * 2**pll.divq <= 1066


@pytest.mark.parametrize(("given", "wanted"), [(25, 100), (48, 96), (48, 100), (25, 62.5), (12, 132)])
def test_ecp5_pll(given, wanted):
    pll = ecp5_pll(given, wanted)
    assert pll.frequency_mhz == pytest.approx(given * pll.fb_div / pll.i_div)
    assert pll.frequency_mhz == pytest.approx(wanted, rel=0.005)
    assert 400 <= pll.frequency_mhz * pll.op_div <= 800 and given / pll.i_div >= 3.125


# 27 MHz is the boards' crystal.
@pytest.mark.parametrize(
    ("wanted", "setting"),
    [(27, (0, 0)), (36, (2, 3)), (45, (2, 4)), (54, (0, 1)), (60, (8, 19)), (48, (8, 15))],
)
def test_gowin_pll(wanted, setting):
    pll = gowin_pll(27, wanted)
    assert (pll.idiv_sel, pll.fbdiv_sel) == setting
    assert pll.frequency_mhz == pytest.approx(27 * (pll.fbdiv_sel + 1) / (pll.idiv_sel + 1))
    assert pll.frequency_mhz == pytest.approx(wanted, rel=0.005)
    assert 500 <= pll.frequency_mhz * pll.odiv_sel <= 1200 and 27 / (pll.idiv_sel + 1) >= 3


def test_a_clock_that_no_pll_makes_is_refused():
    with pytest.raises(TwinspikeError, match=r"clock_mhz = 500 is not allowed: expected what a PLL can"):
        ice40_pll(12, 500)


@pytest.mark.parametrize("name", BOARD_NAMES)
def test_every_board_has_a_top_with_its_pins(name):
    chosen = board(name)
    top = BoardTop(chosen, make_plan(random_network(), (), chosen.target), 3_000_000)
    files = chosen.make_platform().prepare(top, name="top").files
    (constraints,) = (text for file, text in files.items() if file.endswith((".pcf", ".lpf", ".cst")))
    pins = _pins(constraints if isinstance(constraints, str) else constraints.decode())
    assert {"uart_0.rx", "uart_0.tx"} <= set(pins)
    assert len(set(pins.values())) == len(pins) >= 3
    assert abs(top.pll.frequency_mhz / chosen.clock_mhz - 1) < 0.005
    assert top.link.clock_mhz == round(chosen.clock_mhz)


def test_a_link_by_spi_has_pins_on_boards_that_have_them():
    chosen = board("icebreaker")
    top = BoardTop(chosen, make_plan(random_network(), (), chosen.target), 3_000_000, "spi")
    files = chosen.make_platform().prepare(top, name="top").files
    pins = _pins(str(files["top.pcf"]))
    assert {name: pins[f"spi_0.{name}"] for name in ("cs", "clk", "copi", "cipo")} == {
        "cs": "4",
        "clk": "45",
        "copi": "2",
        "cipo": "47",
    }
    assert "uart_0.rx" not in pins
    with pytest.raises(TwinspikeError, match=r"UPduino 3\.x has no pins for a link by SPI: leave out --link"):
        check_line(board("upduino"), "spi")


def test_boards_are_those_of_the_command_line():
    assert tuple(BOARDS) == BOARD_NAMES
    with pytest.raises(TwinspikeError, match=r"board = 'x' is not allowed: expected one of icebreaker"):
        board("x")


def test_a_clock_that_is_not_met_states_the_slack():
    _check_timing(board("icebreaker"), 36.0, 36.0, 1)
    with pytest.raises(
        TwinspikeError,
        match=r"not met at 36 MHz: slack -2\.22 ns, 33\.333 MHz at best of 3 seeds",
    ):
        _check_timing(board("icebreaker"), 36.0, 33.333, 3)


def test_flashing_without_a_bitstream_or_a_tool(tmp_path, monkeypatch):
    place = Folders(tmp_path)
    with pytest.raises(
        TwinspikeError,
        match=r"no bitstream there: twinspike bitstream --config digits --out .* --board ulx3s",
    ):
        flash(DIGITS, place, "ulx3s")
    made = tmp_path / "boards" / "ulx3s"
    made.mkdir(parents=True)
    (made / "board.json").write_text("{}")
    (made / "top.bit").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TwinspikeError, match=r"openFPGALoader is not installed: .* -b ulx3s --write-flash"):
        flash(DIGITS, place, "ulx3s")


@pytest.mark.parametrize("program", ["openFPGALoader", "openfpgaloader-cli"])
def test_the_bitstream_goes_into_the_flash(tmp_path, monkeypatch, program):
    made = tmp_path / "boards" / "tangnano20k"
    made.mkdir(parents=True)
    (made / "board.json").write_text("{}")
    (made / "top.fs").write_text("")
    tool = tmp_path / program
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    flash(DIGITS, Folders(tmp_path), "tangnano20k")
    assert (tmp_path / "called").read_text() == f"-b tangnano20k --write-flash {made / 'top.fs'}\n"
