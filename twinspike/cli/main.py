"""The command line: `twinspike COMMAND --config NAME`. Commands are declared in commands/."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from twinspike import __version__
from twinspike.numerics.errors import Interrupted, TwinspikeError
from twinspike.numerics.extras import missing

from . import commands
from .app import app
from .interrupts import ctrl_c_told

INTERRUPTED = Interrupted.status

for file in commands.FILES:
    import_module(f"{commands.__name__}.{file}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 found a difference, 2 bad input, 130 Ctrl-C."""
    try:
        with ctrl_c_told():
            status = typer.main.get_command(app).main(
                args=arguments, prog_name="twinspike", standalone_mode=False
            )
    except TwinspikeError as error:
        return _failed(str(error), error.status)
    except ModuleNotFoundError as error:
        lacking = missing(error, _command(arguments))
        if lacking is None:
            raise
        return _failed(str(lacking), lacking.status)
    except typer.TyperException as error:  # what the options' parser has to say
        ctx = getattr(error, "ctx", None)
        help = f" ({ctx.command_path} --help explains)" if ctx else ""
        return _failed(" ".join(error.format_message().split()).rstrip(".") + help, error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:
        print("twinspike: interrupted", file=sys.stderr)
    return status or 0


def _command(arguments: Sequence[str] | None) -> str:
    """The command as typed, without its options."""
    words = sys.argv[1:] if arguments is None else arguments
    return " ".join(["twinspike", *(word for word in words[:1] if not word.startswith("-"))])


def _failed(line: str, status: int) -> int:
    kind = "" if status == INTERRUPTED else "error: "
    print(f"twinspike: {kind}{line}", file=sys.stderr)
    return status


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"twinspike {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


if __name__ == "__main__":
    sys.exit(main())
