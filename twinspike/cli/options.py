"""Options that several commands have, and parsers of their values.

A parser also sees the default, and says what is wrong in one line that names what is allowed.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from typer.models import OptionInfo

from twinspike.hw.settings import BOARD_NAMES, TARGETS

GENERIC = "generic"
MOST = 1_000_000

Config = Annotated[
    str,
    typer.Option("--config", metavar="NAME", help="digits, mnist, fashion, ... or the path of a .toml file"),
]
Out = Annotated[str, typer.Option("--out", metavar="DIR", help="root of all outputs")]


class Seeds(tuple[int, ...]):
    """Numbers of `--seeds 1,2,3`, shown as they are typed."""

    def __str__(self) -> str:
        return ",".join(map(str, self))


USUAL_SEEDS = Seeds((1, 2, 3))


def number(option: str, metavar: str, help: str, low: int = 1, high: int = MOST, **more: Any) -> OptionInfo:
    """An option whose value is an integer in low..high."""

    def parse(value: Any) -> int:
        text = str(value)
        if not text.removeprefix("-").isdecimal() or not low <= int(text) <= high:
            raise typer.BadParameter(f"{text!r} is not an integer in {low}..{high}")
        return int(text)

    return typer.Option(option, metavar=metavar, help=help, parser=parse, **more)


def choice(option: str, choices: Iterable[str], help: str, **more: Any) -> OptionInfo:
    """An option whose value is one of `choices`."""
    allowed = tuple(choices)
    return typer.Option(option, metavar="|".join(allowed), help=help, parser=one_of(allowed), **more)


def one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    """A parser that takes one of these words."""

    def parse(value: Any) -> str:
        if value not in allowed:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(allowed)}")
        return value

    return parse


def parse_seeds(value: Any) -> Seeds:
    """`1,2,3` as numbers."""
    parts = str(value).split(",")
    if not all(part.isdecimal() for part in parts):
        raise typer.BadParameter(f"{value!r} is not a list of integers such as 1,2,3")
    return Seeds(map(int, parts))


def parse_real(value: Any) -> float:
    """A number with a point or without."""
    try:
        return float(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} is not a number") from None


AnyTarget = Annotated[str, choice("--target", (GENERIC, *TARGETS), "device")]
SomeTargets = Annotated[
    list[str] | None,
    choice("--target", TARGETS, "device; may be given more than once (default: the configuration's)"),
]
PlacerSeeds = Annotated[
    Seeds, typer.Option("--seeds", parser=parse_seeds, metavar="1,2,3", help="placer seeds")
]
Jobs = Annotated[int, number("--jobs", "N", "nextpnr runs at a time")]
Board = Annotated[str, choice("--board", BOARD_NAMES, "which board")]
Link = Annotated[str, choice("--link", ("uart", "spi"), "what the host is connected by")]
Baud = Annotated[int, number("--baud", "N", "bits per second, or hertz by SPI", 300, 100_000_000)]
