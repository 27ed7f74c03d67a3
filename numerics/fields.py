"""Settings as frozen dataclasses whose fields carry their own help text and allowed range.

A field declared with :func:`setting` documents itself (``--help`` and docs read the metadata)
and :func:`build` turns a TOML or JSON table into the dataclass, refusing what is not allowed.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import TwinspikeError, did_you_mean, out_of_range


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[Any] | None = None,
) -> Any:
    """Declare a dataclass field with its help text and its allowed range or choices (inclusive)."""
    metadata = {"help": help, "low": low, "high": high, "choices": choices}
    if isinstance(default, (list, dict)):
        raise TypeError("use a tuple or a frozen dataclass as a default")
    return dataclasses.field(default=default, metadata=metadata)


def allowed(field: dataclasses.Field) -> str:
    """The allowed values of a field in words, as error messages and help texts print them."""
    m = field.metadata
    if m.get("choices"):
        return "one of " + ", ".join(str(c) for c in m["choices"])
    low, high = m.get("low"), m.get("high")
    kind = _type_name(field.type)
    if low is not None and high is not None:
        return f"{kind} in {low}..{high}"
    if low is not None:
        return f"{kind} >= {low}"
    return kind


def build(cls: type, table: Mapping[str, Any], where: str) -> Any:
    """Make the dataclass `cls` from `table`; `where` prefixes the field names in errors.

    Raises TwinspikeError for an unknown key (listing the known ones), a missing key,
    a value of the wrong type and a value out of range.
    """
    if not isinstance(table, Mapping):
        raise out_of_range(where, table, "a table of settings")
    known = {f.name: f for f in dataclasses.fields(cls)}
    for key in table:
        if key not in known:
            meant = did_you_mean(str(key), known)
            raise TwinspikeError(f"{where}.{key} is unknown: {meant}allowed keys are {', '.join(known)}")
    hints = typing.get_type_hints(cls)
    values = {}
    for name, field in known.items():
        if name in table:
            values[name] = _coerce(hints[name], table[name], f"{where}.{name}", allowed(field))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise TwinspikeError(f"{where}.{name} is missing: expected {allowed(field)}")
    made = cls(**values)
    check(made, where)
    return made


def check(settings: Any, where: str) -> None:
    """Raise TwinspikeError if a field of the dataclass instance is outside its declared range."""
    for field in dataclasses.fields(settings):
        m, value = field.metadata, getattr(settings, field.name)
        named = {f"{where}.{field.name}": value}
        if isinstance(value, tuple):
            named = {f"{where}.{field.name}[{i}]": one for i, one in enumerate(value)}
        for name, one in named.items():
            if m.get("choices") and one not in m["choices"]:
                raise out_of_range(name, one, allowed(field))
            if isinstance(one, (int, float)) and not isinstance(one, bool):
                low, high = m.get("low"), m.get("high")
                if (low is not None and one < low) or (high is not None and one > high):
                    raise out_of_range(name, one, allowed(field))


def _coerce(hint: Any, value: Any, where: str, expected: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        options = [a for a in typing.get_args(hint) if a is not type(None)]
        return None if value is None else _coerce(options[0], value, where, expected)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise out_of_range(where, value, f"a list ({expected})")
        inner = typing.get_args(hint)[0]
        return tuple(_coerce(inner, v, f"{where}[{i}]", expected) for i, v in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint), value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if hint is float and isinstance(value, float) and not math.isfinite(value):
        raise out_of_range(where, value, expected)
    if hint is Any or (isinstance(value, hint) and not (hint is int and isinstance(value, bool))):
        return value
    raise out_of_range(where, value, expected)


def _type_name(hint: Any) -> str:
    if typing.get_origin(hint) is tuple:
        return {"an integer": "integers", "a number": "numbers"}.get(
            _type_name(typing.get_args(hint)[0]), "values"
        )
    text = hint if isinstance(hint, str) else getattr(hint, "__name__", str(hint))
    return {"int": "an integer", "float": "a number", "str": "text", "bool": "true or false"}.get(text, text)
