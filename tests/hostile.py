"""Damaged files for every loader: ``make fuzz-files``. Each is loaded soundly or refused with one line.

A seeded mutator damages a sound file: bytes flipped, cut, inserted, doubled; and, knowing the formats,
lengths that lie, values of other types, extreme numbers, deep nesting, keys doubled or gone.
The campaign runs under a limit of memory and of time a case.
"""

import argparse
import contextlib
import copy
import gzip
import json
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json

# What a case may allocate beyond what the process holds when the campaign begins, and how long it may take.
HEADROOM = 1 << 30
SECONDS = 20
STRANGE = [
    None,
    True,
    False,
    0,
    -1,
    1,
    255,
    256,
    2**31,
    -(2**31),
    2**63,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\ud800",
    "\x00\x1b[2J\n",
    "é" * 500,
    [],
    {},
    [[]],
    [None],
    {"": {}},
    [0] * 1000,
]


def damaged(rng: random.Random, data: bytes) -> bytes:
    """One to four random edits of bytes."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randrange(len(data) + 1) if rng.random() < 0.5 else rng.randrange(min(len(data), 64) + 1)
        match rng.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = rng.randbytes(rng.choice([1, 8, 200]))
            case 3:
                data[at : at + rng.choice([1, 4, 100])] = b""
            case 4:
                data[at : at + 8] = rng.choice([b"\xff" * 8, b"\0" * 8, struct.pack("<Q", len(data) + 1)])
            case 5:
                end = at + rng.randrange(64)
                data[at:at] = data[at:end]
            case _:
                data += rng.randbytes(rng.choice([1, 100, 10_000]))
    return bytes(data)


def changed(rng: random.Random, value: Any) -> Any:
    """The JSON value with something inside it replaced, removed, added or nested."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 2])):
        where, key = None, None
        here = value
        while isinstance(here, (dict, list)) and here:
            where, key = here, rng.choice(list(here)) if isinstance(here, dict) else rng.randrange(len(here))
            here = here[key]
            if rng.random() < 0.3:
                break
        if where is None:
            return rng.choice(STRANGE)
        match rng.randrange(8):
            case 0:
                del where[key]
            case 1 if isinstance(where, dict):
                where[rng.choice(["x", "version", "", "__metadata__", "\ud800"])] = rng.choice(STRANGE)
            case 2 if isinstance(where, list):
                where += where * rng.choice([1, 20])
            case 3:
                nested: Any = here
                for _ in range(rng.choice([5, 300, 985, 3000])):
                    nested = [nested]
                where[key] = nested
            case 4 if isinstance(here, (int, float)) and not isinstance(here, bool):
                where[key] = here + rng.choice([-1, 1, 0.5, 2**32])
            case _:
                where[key] = rng.choice(STRANGE)
    return value


def dumped(rng: random.Random, value: Any) -> str:
    """JSON text, at times with a key doubled or an integer of thousands of digits."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):
        text = "[" * 5000 + "]" * 5000
    match rng.randrange(12):
        case 0 if text.startswith("{") and len(text) > 2:
            return text[:-1] + ", " + text[1:]
        case 1:
            return text.replace("1", "1" * 5000, 1)
    return text


class SafetensorsFile:
    """A file of tensors with metadata under one key, taken apart for mutation."""

    def __init__(self, data: bytes, key: str):
        size = int.from_bytes(data[:8], "little")
        self.data, self.key = data, key
        self.header, self.body = json.loads(data[8 : 8 + size]), data[8 + size :]

    def mutate(self, rng: random.Random) -> bytes:
        header, body = copy.deepcopy(self.header), self.body
        match rng.randrange(6):
            case 0:
                return damaged(rng, self.data)
            case 1 | 2:
                meta = changed(rng, json.loads(header["__metadata__"][self.key]))
                header["__metadata__"][self.key] = dumped(rng, meta)
            case 3:
                header = changed(rng, header)
            case 4:
                name = rng.choice([n for n in header if n != "__metadata__"])
                spot = header[name]
                what = rng.choice(["dtype", "shape", "offsets", "gone", "twice"])
                if what == "dtype":
                    spot["dtype"] = rng.choice(["F64", "BF16", "I8", "U8", "BOOL", "F8_E4M3", "X", "I64"])
                elif what == "shape":
                    spot["shape"] = rng.choice([[], [0], [2**40, 2**40], [-1], [1, *spot["shape"]], "x"])
                elif what == "offsets":
                    spot["data_offsets"] = rng.choice([[0, 2**62], [5, 1], [0, 0], [0, len(body)], [-1, 1]])
                elif what == "gone":
                    del header[name]
                else:
                    header[f"{name}.again"] = spot
            case _:
                body = damaged(rng, body)
        text = dumped(rng, header).encode("utf-8", "surrogatepass")
        if rng.random() < 0.1:
            text = text.replace(b"layers", b"l\xff\xfeers", 1)
        size = rng.choice([len(text)] * 20 + [0, 2**63, len(text) + 1, 2**31])
        return struct.pack("<Q", size) + text + body


class PlainFile:
    """Bytes of a format that the mutator knows nothing about."""

    def __init__(self, data: bytes):
        self.data = data

    def mutate(self, rng: random.Random) -> bytes:
        return damaged(rng, self.data)


class IdxFile:
    """A gzipped IDX file: the header, the content, and the compression around them."""

    def __init__(self, data: bytes):
        self.plain = gzip.decompress(data)

    def mutate(self, rng: random.Random) -> bytes:
        plain = bytearray(self.plain)
        match rng.randrange(6):
            case 0:
                return damaged(rng, gzip.compress(self.plain, mtime=0))
            case 1:
                plain[4:8] = struct.pack(">I", rng.choice([0, 1, 2**28, 2**32 - 1, rng.randrange(2**32)]))
            case 2:
                plain = bytearray(damaged(rng, bytes(plain)))
            case 3:
                # A bomb: much more than the header announces, out of few bytes.
                packer = zlib.compressobj(9, zlib.DEFLATED, 31)
                packed = packer.compress(bytes(plain))
                for _ in range(rng.choice([4, 64])):
                    packed += packer.compress(b"\0" * (1 << 20))
                return packed + packer.flush()
            case 4:
                return gzip.compress(bytes(plain), mtime=0) * rng.choice([2, 30])
            case _:
                plain[: rng.randrange(1, 16)] = rng.randbytes(rng.randrange(1, 16))
        packed = gzip.compress(bytes(plain), mtime=0)
        return packed[: rng.randrange(len(packed))] if rng.random() < 0.1 else packed


class JsonFile:
    """A JSON file, or (`lines`) one value a line."""

    def __init__(self, text: str, lines: bool = False):
        self.text, self.lines = text, lines
        self.value = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)

    def mutate(self, rng: random.Random) -> bytes:
        if rng.random() < 0.25:
            return damaged(rng, self.text.encode())
        value = changed(rng, self.value)
        if self.lines and isinstance(value, list):
            return "".join(dumped(rng, row) + "\n" for row in value).encode("utf-8", "surrogatepass")
        return dumped(rng, value).encode("utf-8", "surrogatepass")


class TomlFile:
    """Lines of a configuration with values exchanged, doubled, nested, or bytes damaged."""

    VALUES = (
        "0",
        "-1",
        "1e999",
        "nan",
        "inf",
        "true",
        '""',
        '"\\u0000"',
        "[]",
        "[1, [2, [3]]]",
        "{}",
        "1979-05-27",
        "9" * 30,
        "9" * 5000,
        "0x7fffffff",
        "[" * 3000,
        '"' + "x" * 300 + '"',
        "[0, 0]",
        "65536",
        "0.5",
    )

    def __init__(self, text: str):
        self.text = text

    def mutate(self, rng: random.Random) -> bytes:
        if rng.random() < 0.2:
            return damaged(rng, self.text.encode())
        lines = self.text.splitlines()
        for _ in range(rng.choice([1, 1, 2, 3])):
            at = rng.randrange(len(lines))
            name, equals, _ = lines[at].partition(" = ")
            match rng.randrange(6):
                case 0:
                    lines.insert(at, lines[rng.randrange(len(lines))])
                case 1 if len(lines) > 1:
                    del lines[at]
                case 2:
                    lines.insert(
                        at, rng.choice(["x = 1", "[x]", "[[layers]]", "[[layers]]\n" * 20, "a." * 2000])
                    )
                case _ if equals:
                    lines[at] = f"{name} = {rng.choice(self.VALUES)}"
        return ("\n".join(lines) + "\n").encode()


@contextlib.contextmanager
def alarm(seconds: int):
    """TimeoutError after so many seconds."""

    def late(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def verdict(load: Callable[[Path], Any], path: Path) -> str:
    """ "loaded", "refused", or what went wrong."""
    try:
        with alarm(SECONDS):
            load(path)
    except TwinspikeError as error:
        text = str(error)
        if "\n" in text or not text.isprintable() or len(text) > 1000:
            return f"refused, but not with one short line: {text!r:.300}"
        return "refused"
    except BaseException as error:
        return f"{type(error).__name__}: {error!r:.300}"
    return "loaded"


def campaign(kinds: dict, count: int, seed: int, folder: Path, keep: Path, progress: bool) -> dict[str, Any]:
    """`count` cases, dealt to the kinds in turn; failures are kept as files in `keep`."""
    tally: dict[str, Counter] = {name: Counter() for name in kinds}
    failures = []
    start = time.monotonic()
    names = list(kinds)
    for index in tqdm(range(count), desc="hostile files", unit="file", disable=None if progress else True):
        name = names[index % len(names)]
        path, source, load = kinds[name]
        path.write_bytes(data := source.mutate(random.Random(f"{seed}/{index}")))
        found = verdict(load, path)
        tally[name][found if found in ("loaded", "refused") else "failed"] += 1
        if found not in ("loaded", "refused"):
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{name}-{seed}-{index}").write_bytes(data)
            failures.append(f"{name} {seed}/{index}: {found}")
    return {
        "seed": seed,
        "cases": count,
        "failed": len(failures),
        "kinds": {name: dict(found) for name, found in tally.items()},
        "seconds": round(time.monotonic() - start, 1),
        "failures": failures,
    }


def limit_memory() -> int:
    """Bound this process's address space to what it has now and HEADROOM; returns its peak RSS in bytes."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + HEADROOM, resource.RLIM_INFINITY))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main() -> int:
    from hostile_kinds import kinds

    parser = argparse.ArgumentParser(prog="hostile", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="files to try (default: 20000)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default: 1)")
    parser.add_argument("--keep", type=Path, default=Path("build/hostile"), help="where failing files go")
    parser.add_argument("--json", type=Path, help="where to write the counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = kinds(folder)
        before = limit_memory()
        found = campaign(table, options.count, options.seed, folder, options.keep, True)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before
    found |= {"headroom_mib": HEADROOM >> 20, "peak_growth_mib": round(grown / (1 << 20))}
    failures = found.pop("failures")
    for line in failures[:40]:
        print(line)
    for name, counts in found["kinds"].items():
        print(f"{name:12s}", ", ".join(f"{n:,} {what}" for what, n in sorted(counts.items())))
    print(
        f"seed {options.seed}: {options.count:,} files, {found['failed']} failed, {found['seconds']} s, "
        f"peak memory grew by {found['peak_growth_mib']} MiB (limit {found['headroom_mib']})"
    )
    if options.json:
        write_json(options.json, found)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
