"""What the entries of kinds without neurons have in common: they send on what other layers send."""

import dataclasses
from typing import Any, ClassVar

from ...numerics.fields import setting
from ..spec import COMBINES


@dataclasses.dataclass(frozen=True)
class RelayedSettings:
    """One `[[layers]]` entry of a kind that has no neurons; a kind adds fields of its own."""

    kind: ClassVar[str]
    width: ClassVar[int] = 0  # follows from the source

    sources: tuple[int, ...] = setting(
        (), low=-1, high=15, help="layers that are its input, -1 the network's input; empty: the one before"
    )
    combine: str = setting("add", choices=COMBINES, help="what becomes of the spikes of several sources")

    def table(self) -> dict[str, Any]:
        """The entry as JSON-ready values; sources and how they combine only where they are not the usual."""
        usual = {field.name: field.default for field in dataclasses.fields(RelayedSettings)}
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        own = {name: value for name, value in values.items() if name not in usual}
        unusual = {name: values[name] for name in usual if values[name] != usual[name]}
        entry = {"kind": self.kind} | own | unusual
        return {name: list(value) if isinstance(value, tuple) else value for name, value in entry.items()}
