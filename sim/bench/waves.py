"""Verilator's value change dump (VCD) to FST, which GTKWave and Surfer open at once and which is far smaller.

Verilator could write FST itself, but only where the development files of lz4 and zlib are installed;
this needs nothing outside the Python packages. VCD: IEEE 1364-2005, section 18.2; Verilator writes one
declaration or change a line, and calls its outermost scope $rootio, which stricter readers refuse.
"""

import re
from pathlib import Path

import pylibfst

from ...numerics.errors import TwinspikeError

_SCOPE = re.compile(rb"\$scope \S+ +(\S+) +\$end")
_VARIABLE = re.compile(rb"\$var +\S+ +(\d+) +(\S+) +(.*?) +\$end")
_TIMESCALE = re.compile(rb"\$timescale +(\S+) +\$end")


def to_fst(vcd: Path, fst: Path) -> None:
    """Convert `vcd` into `fst`, with the same scopes, names, aliases, values and times."""
    lib, ffi = pylibfst.lib, pylibfst.ffi
    writer = lib.fstWriterCreate(str(fst).encode(), 1)
    if writer == ffi.NULL:
        raise TwinspikeError(f"{fst}: cannot write the waves: is the folder writable and the disk not full?")
    signals: dict[bytes, tuple[int, int]] = {}  # identifier code -> handle, bits
    try:
        with vcd.open("rb") as lines:
            for line in lines:
                line = line.strip()
                if line.startswith(b"$"):
                    _declare(lib, ffi, writer, line, signals)
                elif line.startswith(b"#"):
                    lib.fstWriterEmitTimeChange(writer, int(line[1:]))
                elif line:
                    _change(lib, writer, line, signals)
    finally:
        lib.fstWriterClose(writer)


def _declare(lib, ffi, writer, line: bytes, signals: dict[bytes, tuple[int, int]]) -> None:
    if found := _VARIABLE.match(line):
        bits, code, name = int(found[1]), found[2], found[3]
        # A code seen before is another name of the same signal.
        alias = signals.get(code, (0, 0))[0]
        handle = lib.fstWriterCreateVar(writer, lib.FST_VT_VCD_WIRE, lib.FST_VD_IMPLICIT, bits, name, alias)
        signals.setdefault(code, (handle, bits))
    elif found := _SCOPE.match(line):
        lib.fstWriterSetScope(writer, lib.FST_ST_VCD_MODULE, found[1], ffi.NULL)
    elif line.startswith(b"$upscope"):
        lib.fstWriterSetUpscope(writer)
    elif found := _TIMESCALE.match(line):
        lib.fstWriterSetTimescaleFromString(writer, found[1])


def _change(lib, writer, line: bytes, signals: dict[bytes, tuple[int, int]]) -> None:
    if line[:1] in b"bB":
        value, code = line[1:].split()
    else:
        value, code = line[:1], line[1:]
    handle, bits = signals[code]
    # Left of what is written, x and z repeat; 0 and 1 are extended by 0.
    fill = value[:1] if value[:1] in b"xz" else b"0"
    lib.fstWriterEmitValueChange(writer, handle, value.rjust(bits, fill))
