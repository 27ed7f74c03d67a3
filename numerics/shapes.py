"""What a JSON value that is read back must look like, so that whoever uses it need not ask again.

A shape is a name of :data:`KINDS`, a list with the shape of its items, or a dictionary: keys to the
shapes of their values, where `"?key"` may be absent and `"*"` stands for all other keys. Keys that
a shape does not name are let through.
"""

from collections.abc import Callable
from typing import Any

from .errors import TwinspikeError, out_of_range

# Far beyond every figure, and safe to format and to compute with.
LARGEST = 1e15

Shape = str | list | dict


def _number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) <= LARGEST  # type: ignore  # NaN is not <= anything


KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "number": (_number, "a number"),
    "positive": (lambda value: _number(value) and value > 0, "a number above 0"),  # type: ignore
    "count": (lambda value: type(value) is int and 0 <= value <= LARGEST, "an integer >= 0"),
    "text": (lambda value: isinstance(value, str), "text"),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "any": (lambda value: True, "anything"),
}


def conform(value: Any, shape: Shape, where: str) -> Any:
    """`value`, if it has the shape; raises TwinspikeError naming the first place that has not."""
    if isinstance(shape, str):
        allowed, words = KINDS[shape]
        if not allowed(value):
            raise out_of_range(where, value, words)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise out_of_range(where, value, "a list")
        for index, item in enumerate(value):
            conform(item, shape[0], f"{where}[{index}]")
    else:
        if not isinstance(value, dict):
            raise out_of_range(where, value, "a JSON object")
        for key, inner in shape.items():
            name = key.removeprefix("?")
            if name in value:
                conform(value[name], inner, f"{where}.{name}")
            elif key == name and key != "*":
                raise TwinspikeError(f"{where}.{name} is missing")
        for key in value.keys() - {key.removeprefix("?") for key in shape}:
            if "*" in shape:
                conform(value[key], shape["*"], f"{where}.{key}")
    return value
