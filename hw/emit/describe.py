"""What the parts of a component are, by the names of their Verilog modules."""

import dataclasses
import inspect
import re

from amaranth.hdl import Elaboratable, Fragment
from amaranth.lib.wiring import Component, Signature


@dataclasses.dataclass(frozen=True)
class Part:
    """A module: its ports in the order of the signature that declares them, and what it is.

    `text` names the class and is its docstring, but for the paragraph on ports.
    """

    ports: tuple[str, ...]
    text: str


class Elaborated(Elaboratable):
    """A component that is elaborated once: for its RTLIL and for what its `parts` are."""

    def __init__(self, component: Component):
        self.signature = component.signature
        self._component = component
        self._fragment = Fragment.get(component, None)

    def __getattr__(self, name: str):
        return getattr(self._component, name)

    def elaborate(self, platform) -> Fragment:
        return self._fragment

    def parts(self, name: str) -> dict[str, Part]:
        """The parts by their modules' names, the component itself being called `name`."""
        found: dict[str, Part] = {}
        _walk(self._fragment, name, found)
        return found


def _walk(fragment: Fragment, name: str, found: dict[str, Part]) -> None:
    for origin in (fragment.origins or ())[:1]:
        signature = getattr(origin, "signature", None)
        ports = _ports(origin, signature) if isinstance(signature, Signature) else ()
        found[name] = Part(ports, _text(type(origin)))
    for part, own, _ in fragment.subfragments:
        if own is not None:
            _walk(part, f"{name}_{own}", found)


def _ports(component: object, signature: Signature) -> tuple[str, ...]:
    return tuple("__".join(map(str, path)) for path, _, _ in signature.flatten(component))


def _text(kind: type) -> str:
    # The marks of reStructuredText are for other readers; an end of a comment would be one here too.
    text = re.sub(r"``?", "", inspect.cleandoc(kind.__doc__ or "")).replace("*/", "* /")
    said = [part for part in text.split("\n\n") if not part.startswith("Members:")]
    if kind.__module__.startswith("amaranth"):
        del said[1:]
    return f"{kind.__name__}. " + "\n\n".join(said) if text else kind.__name__
