"""What commands register with: a function with its options, its docstring as help, and its body."""

import inspect
import re
from collections.abc import Callable
from typing import TypeVar

import typer

# Panels of `twinspike --help`, in this order.
USERS = "Commands"
MAINTAINERS = "For those who work on twinspike itself"

INTRODUCTION = """\
Trains siamese spiking networks with an Earth Mover's Distance loss and turns them into an FPGA core
whose spikes equal the Python model's bit for bit.

From data to silicon, with outputs in build/<config>/:
  twinspike train  --config digits    train, quantise, evaluate, export
  twinspike rtl    --config digits    Verilog and memory images of the core
  twinspike sim    --config digits    test images through it, spike by spike
  twinspike synth  --config digits    logic cells, block RAMs, Fmax over seeds
  twinspike report --config digits    one HTML page with the figures
  twinspike import net.nir            a network of snnTorch, Norse, ...
  twinspike bitstream --board ulx3s   for a board that device then talks to

twinspike COMMAND --help explains a command.
"""


def unwrapped(text: str) -> str:
    """`text` with the lines of each paragraph joined, for a terminal of any width; indented lines stay."""
    return re.sub(r"(?<=\S)\n(?=\S)", " ", inspect.cleandoc(text))


app = typer.Typer(
    help=unwrapped(INTRODUCTION),
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

Body = TypeVar("Body", bound=Callable[..., int | None])


def command(name: str, panel: str = USERS) -> Callable[[Body], Body]:
    """Make a function a command: its parameters are the options, its docstring the help.

    It returns the exit status: nothing or 0 for done, 1 if a difference was found; bad input raises
    TwinspikeError. What it needs beyond the options is imported in its body: `--help` is to stay fast, and
    only commands that train load torch.
    """

    def register(body: Body) -> Body:
        return app.command(name, help=unwrapped(body.__doc__ or ""), rich_help_panel=panel)(body)

    return register
