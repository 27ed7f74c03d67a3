"""Energy of a core, modelled: no core has been measured on a board yet."""

# What a published core on the same chip is stated to draw at most, without its pins: 9.5 mW at 24 MHz in
# 3,473 logic cells of an iCE40 UP5K (12.05 mW with them). No such figure was found for the other devices.
JOULES_PER_CELL_AND_CLOCK = {"up5k": 9.5e-3 / 24e6 / 3473}
ENERGY_MODEL = (
    f"logic cells x cycles per image x {JOULES_PER_CELL_AND_CLOCK['up5k'] * 1e12:.3f} pJ: the power that "
    "SYNtzulu (doi:10.1109/TCSI.2024.3450966) is stated to draw at most on an iCE40 UP5K without its pins, "
    "9.5 mW at 24 MHz in 3,473 logic cells (12.05 mW with them), taken to be in proportion to logic cells "
    "and clock; no figure for devices without such a measurement"
)


def microjoules(device: str, logic_cells: int, cycles: float) -> float | None:
    """Energy of `cycles` clocks of a core; None where no measurement is behind a figure."""
    joules = JOULES_PER_CELL_AND_CLOCK.get(device)
    return None if joules is None else round(joules * logic_cells * cycles * 1e6, 4)
