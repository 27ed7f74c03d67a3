"""How many bits change in each part of a core while it works: counted in the waves of a simulation."""

from collections import Counter
from pathlib import Path

import pylibfst
from pylibfst.helpers import fstReaderIterBlocks, get_scopes_signals2

from ...numerics.errors import TwinspikeError

TOP = "top"  # what belongs to no part
_CLOCK = "clk"


def count_toggles(waves: Path, core: str) -> dict[str, int]:
    """Changes of bits in the FST file `waves`, by the parts one level below scope `core`.

    A net counts once, however many names it has: for the first part that holds it, or for TOP. The clock is
    left out; from an undefined value a bit changes where the new one is 1.
    Raises TwinspikeError if the file cannot be read or has no such scope.
    """
    lib, ffi = pylibfst.lib, pylibfst.ffi
    reader = lib.fstReaderOpen(str(waves).encode())
    if reader == ffi.NULL:
        raise TwinspikeError(f"{waves}: no waves to read: simulate with waves first")
    try:
        _, signals = get_scopes_signals2(reader)
        owners = _owners(signals.by_name.values(), f"{core}.")
        if not owners:
            raise TwinspikeError(f"{waves}: there is no scope {core}")
        counts: Counter[str] = Counter()
        values: dict[int, int] = {}

        def change(_data, _time, handle, value):
            owner = owners.get(handle)
            if owner is not None:
                new = int(ffi.string(value).translate(_DEFINED), 2)
                counts[owner] += (new ^ values.get(handle, 0)).bit_count()
                values[handle] = new

        lib.fstReaderSetFacProcessMaskAll(reader)
        fstReaderIterBlocks(reader, change)
    finally:
        lib.fstReaderClose(reader)
    return dict(counts)


_DEFINED = bytes(ord("1") if code == ord("1") else ord("0") for code in range(256))


def _owners(signals, core: str) -> dict[int, str]:
    """The part that each net of the core counts for, by the net's handle."""
    owners: dict[int, str] = {}
    for signal in signals:
        if not signal.name.startswith(core):
            continue
        part, *inside = signal.name.removeprefix(core).split(" ")[0].split(".")
        if (inside[-1] if inside else part) == _CLOCK:
            owners[signal.handle] = _CLOCK
        owner = part if inside else TOP
        if owners.get(signal.handle, TOP) == TOP:
            owners[signal.handle] = owner
    return {handle: owner for handle, owner in owners.items() if owner != _CLOCK}
