"""The one exception that users see, and the helpers that word it."""


class TwinspikeError(Exception):
    """Bad input or a missing tool. Its text is a single line; the command line exits with status 2.

    The text says what is wrong, where, the value found, the allowed range and what to do.
    """

    def __init__(self, message: str):
        super().__init__(" ".join(str(message).split()))


def out_of_range(where: str, value: object, allowed: str) -> TwinspikeError:
    """The error for a value outside its range; `where` names the field, as in ``layers.0.weight_bits``."""
    shown = repr(value)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return TwinspikeError(f"{where} = {shown} is not allowed: expected {allowed}")
