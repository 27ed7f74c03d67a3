"""Registers by name over a channel; hw/bus/registers.py is their one source."""

from collections.abc import Callable, Sequence

from ..hw.bus.registers import REGISTERS
from ..hw.link.plan import RECORD_FIRST, RECORD_LAST
from ..numerics.link import HOLD, Op
from .channel import Channel

_BURST = 60  # words of a request
_BY_NAME = {register.name: register for register in REGISTERS}
_BY_OFFSET = {register.offset: register for register in REGISTERS}


def reading(first: str, words: int = 1) -> tuple[int, bytes]:
    """The request that reads `words` registers from `first` on."""
    return Op.READ, _address(first) + bytes((words,))


def writing(name: str, *values: int, hold: bool = False) -> tuple[int, bytes]:
    """The request that writes registers from `name` on; with `hold` all values go to that one."""
    data = b"".join(value.to_bytes(4, "little") for value in values)
    return Op.WRITE | (HOLD if hold else 0), _address(name) + data


def fields(first: str, answer: bytes) -> dict[str, int]:
    """The fields, by ``REGISTER.field``, in words read from register `first` on."""
    found = {}
    for at in range(0, len(answer), 4):
        register = _BY_OFFSET.get(_BY_NAME[first].offset + at)
        word = int.from_bytes(answer[at : at + 4], "little")
        if register is None:
            continue
        for field in register.fields:
            found[f"{register.name}.{field.name}"] = word >> field.low & (1 << field.width) - 1
    return found


def compose(name: str, **values: int) -> int:
    """The word of register `name` with these fields; the others are 0."""
    at = {field.name: field for field in _BY_NAME[name].fields}
    return sum(value << at[field].low for field, value in values.items())


def read(channel: Channel, first: str, last: str | None = None) -> dict[str, int]:
    """The fields of registers `first` .. `last`, in one request."""
    words = (_BY_NAME[last or first].offset - _BY_NAME[first].offset) // 4 + 1
    return fields(first, channel.request(*reading(first, words)))


def write(channel: Channel, name: str, **values: int) -> None:
    """Write register `name`: these fields, 0 in the others."""
    channel.request(*writing(name, compose(name, **values)))


def burst(
    channel: Channel, name: str, values: Sequence[int], progress: Callable[[int], None] | None = None
) -> None:
    """Write all `values` to register `name`, in order; `progress` is told how many have gone."""
    size = max(1, min(_BURST, (channel.largest // 2 - 2) // 4))
    parts = [values[at : at + size] for at in range(0, len(values), size)]
    requests = (writing(name, *part, hold=True) for part in parts)
    for at, _ in enumerate(channel.stream(requests), 1):
        if progress:
            progress(min(at * size, len(values)))


def record(answer: bytes) -> dict[str, int]:
    """The fields of the record that ends the answer to a frame."""
    size = _BY_NAME[RECORD_LAST].offset - _BY_NAME[RECORD_FIRST].offset + 4
    return fields(RECORD_FIRST, answer[-size:])


def _address(name: str) -> bytes:
    return (_BY_NAME[name].offset // 4).to_bytes(2, "little")
