"""Extras: parts of the distribution that a plain installation leaves out, and how to get what is missing.

pyproject.toml is their one source; what is installed knows it from its metadata.
"""

import contextlib
import functools
import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator

from .errors import TwinspikeError

DISTRIBUTION = "twinspike"
# Modules whose distribution is called otherwise.
_DISTRIBUTIONS = {"cocotb_tools": "cocotb", "yaml": "pyyaml", "dask": "distributed"}
_REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+).*;.*\bextra\s*==\s*['\"](?P<extra>[\w-]+)['\"]")


def remedy(extra: str) -> str:
    """What to type to get an extra; quoted, since shells know brackets."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def extra_of(module: str) -> str | None:
    """The extra that brings a module ("torch", "nir.ir"); None if no extra does."""
    top = module.partition(".")[0]
    return _extras().get(_plain(_DISTRIBUTIONS.get(top, top)))


def missing(error: ModuleNotFoundError, what: str) -> TwinspikeError | None:
    """The error for `what` that cannot be imported without an extra; None if that is not why."""
    extra = extra_of(error.name or "")
    if extra is None:
        return None
    return TwinspikeError(f"{what} needs {error.name}, which is not installed: {remedy(extra)}")


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Raises TwinspikeError, one line, where `what` needs a module that an extra brings; also a decorator."""
    try:
        yield
    except ModuleNotFoundError as error:
        if lacking := missing(error, what):
            raise lacking from None
        raise


def require(module: str) -> None:
    """Raise ModuleNotFoundError, as its import would, before work begins that ends with it."""
    if importlib.util.find_spec(module) is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)


@functools.cache
def _extras() -> dict[str, str]:
    """The first extra that names each distribution."""
    found: dict[str, str] = {}
    for line in importlib.metadata.requires(DISTRIBUTION) or ():
        parts = _REQUIREMENT.match(line)
        if parts and _plain(parts["name"]) != DISTRIBUTION:
            found.setdefault(_plain(parts["name"]), parts["extra"])
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
