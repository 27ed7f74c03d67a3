"""Checksummed downloads that resume: a file appears under its name only when it is whole and right."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from ...numerics.errors import TwinspikeError
from ...numerics.progress import Bar

CHUNK = 1 << 16
TIMEOUT_SECONDS = 30
NETWORK_FAULTS = (OSError, http.client.HTTPException)  # URLError, time-outs and TLS errors are OSErrors
ATTEMPTS = 3  # on each mirror; every attempt goes on where the last one stopped


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; raises TwinspikeError if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TwinspikeError(f"{path}: cannot read: {error.strerror or error}") from None


def download(urls: Sequence[str], path: Path, *, size: int, sha256: str, progress: bool = True) -> None:
    """Fetch `path` from the first of the mirrors `urls` that gives the file of this size and checksum.

    Bytes go to ``<name>.part`` beside it, which an interrupted download leaves behind and the next
    one continues (HTTP Range). Raises TwinspikeError naming each mirror's fault if none serves.
    """
    part = path.with_name(path.name + ".part")
    faults = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            fault = _from_mirror(url, part, size, sha256, progress)
            if fault is None:
                os.replace(part, path)
                return
            faults.append(f"{url}: {fault}")
    except OSError as error:
        raise TwinspikeError(f"{path}: cannot write: {error.strerror or error}") from None
    raise TwinspikeError(
        f"{path.name} could not be downloaded ({'; '.join(faults)}): check the network and try again, "
        f"or put the file at {path}"
    )


def _from_mirror(url: str, part: Path, size: int, sha256: str, progress: bool) -> str | None:
    """Fill `part` from one mirror; None if it is whole and right, else what went wrong."""
    fault = ""
    for _ in range(ATTEMPTS):
        fault = ""
        have = part.stat().st_size if part.exists() else 0
        if have < size:
            fault = _fetch(url, part, have, size, progress)
            have = part.stat().st_size if part.exists() else 0
        if have >= size:
            if have == size and file_sha256(part) == sha256:
                return None
            # Perhaps another mirror's bytes, or a bad line: start again from nothing.
            part.unlink()
            fault = f"expected {size} bytes of SHA-256 {sha256[:12]}..., got others"
        elif not fault:
            fault = f"the connection closed after {have} of {size} bytes"
    return fault


def _fetch(url: str, part: Path, have: int, size: int, progress: bool) -> str:
    """Append to `part` from byte `have` on, at most one byte beyond `size`; '' or a network fault."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        return f"HTTP status {error.code}"
    except NETWORK_FAULTS as error:
        return _reason(error)
    if response.status != http.client.PARTIAL_CONTENT:
        have = 0  # the server does not resume and sends everything
    name = part.name.removesuffix(".part")
    with (
        response,
        open(part, "ab" if have else "wb") as file,
        Bar(total=size, initial=have, desc=name, unit="B", unit_scale=True, disable=not progress) as bar,
    ):
        while have <= size:
            try:
                data = response.read(min(CHUNK, size + 1 - have))
            except NETWORK_FAULTS as error:
                return _reason(error)
            if not data:
                break
            file.write(data)
            have += len(data)
            bar.update(len(data))
    return ""


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error or type(error).__name__)
