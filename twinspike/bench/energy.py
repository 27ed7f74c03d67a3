"""Energy of a core, modelled: no core has been measured on a board yet."""

# What a published core on the same chip was measured to draw at most: 12.05 mW at 24 MHz in 3,473
# logic cells of an iCE40 UP5K. No such measurement was found for the other devices.
JOULES_PER_CELL_AND_CLOCK = {"up5k": 12.05e-3 / 24e6 / 3473}
ENERGY_MODEL = (
    "logic cells x cycles per image x 0.145 pJ: the power that SYNtzulu (doi:10.1109/TCSI.2024.3450966) "
    "was measured to draw at most on an iCE40 UP5K, 12.05 mW at 24 MHz in 3,473 logic cells, "
    "taken to be in proportion to logic cells and clock; no figure for devices without such a measurement"
)


def microjoules(device: str, logic_cells: int, cycles: float) -> float | None:
    """Energy of `cycles` clocks of a core; None where no measurement is behind a figure."""
    joules = JOULES_PER_CELL_AND_CLOCK.get(device)
    return None if joules is None else round(joules * logic_cells * cycles * 1e6, 4)
