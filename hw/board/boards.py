"""The boards that bitstreams are made for, by name; each is a file of hw/board/known."""

import importlib

from ...numerics.errors import out_of_range
from ..settings import BOARD_NAMES
from .description import Board

BOARDS: dict[str, Board] = {
    name: importlib.import_module(f"{__package__}.known.{name}").BOARD for name in BOARD_NAMES
}


def board(name: str) -> Board:
    """The board called `name`; raises TwinspikeError that lists the known ones."""
    if name not in BOARDS:
        raise out_of_range("board", name, "one of " + ", ".join(BOARDS))
    return BOARDS[name]
