"""The one exception that users see, and the helpers that word it."""

import difflib
from collections.abc import Iterable

MAX_LENGTH = 1000


class TwinspikeError(Exception):
    """Bad input or a missing tool. Its text is a single line; the command line exits with status 2.

    The text says what is wrong, where, the value found, the allowed range and what to do. `status` is the
    command line's exit status.
    """

    status = 2

    def __init__(self, message: str):
        # Text from a bad file may hold anything: keep terminals and encoders out of its reach.
        line = " ".join(str(message).split())
        shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)
        super().__init__(shown if len(shown) <= MAX_LENGTH else shown[: MAX_LENGTH - 3] + "...")


class Interrupted(TwinspikeError):
    """Ctrl-C: what was begun is kept, and the message says how to go on."""

    status = 130  # what a shell reports of a command that Ctrl-C ended


def did_you_mean(given: str, names: Iterable[str]) -> str:
    """`did you mean X? Else ` if one of the names is nearly the one given, else nothing."""
    near = difflib.get_close_matches(given, list(names), 1)
    return f"did you mean {near[0]}? Else " if near else ""


def out_of_range(where: str, value: object, allowed: str) -> TwinspikeError:
    """The error for a value outside its range; `where` names the field, as in ``layers.0.weight_bits``."""
    try:
        shown = repr(value)
    except ValueError:  # Python refuses to print integers of thousands of digits
        shown = "an enormous number"
    except RecursionError:
        shown = "a value nested deeply"
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return TwinspikeError(f"{where} = {shown} is not allowed: expected {allowed}")
