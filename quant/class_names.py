"""What a network's labels are called: kept in its file's provenance, where its dataset has names."""

from collections.abc import Sequence

from .network import Network

KEY = "class_names"
# Names are printed, a line each: what is longer in a stranger's file is cut.
MOST_CHARACTERS = 100


def worth_keeping(names: Sequence[str]) -> bool:
    """Whether names say more than the labels 0, 1, ... do themselves."""
    return any(name != str(label) for label, name in enumerate(names))


def class_names(network: Network) -> tuple[str, ...]:
    """Names, label 0 first; empty where the file has none, or something else in their place."""
    found = network.provenance.get(KEY)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        return ()
    return tuple(_printable(name) for name in found)


def label_name(network: Network, label: int) -> str:
    """What a label is called, the label itself where it has no name."""
    name = _name(network, label)
    return str(label) if name is None else name


def label_text(network: Network, label: int) -> str:
    """A label as it is shown: `cat (label 3)`, or `label 3` where it has no name."""
    name = _name(network, label)
    return f"{name} (label {label})" if name is not None else f"label {label}"


def _name(network: Network, label: int) -> str | None:
    names = class_names(network)
    return names[label] if 0 <= label < len(names) else None


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:MOST_CHARACTERS])
