"""Ctrl-C that ends a command as such, whatever the code that it broke off makes of it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from twinspike.numerics.errors import Interrupted


@contextmanager
def ctrl_c_told() -> Iterator[None]:
    """Context that raises KeyboardInterrupt in place of any other error once SIGINT has come.

    A module that is being imported may turn the interrupt into an error of its own, or swallow it and stay
    half a module. Interrupted passes: it says how to go on. Where SIGINT is ignored, or handled by somebody
    else, and outside the main thread nothing changes.
    """
    came = False

    def note(number: int, frame: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    ours = before is signal.default_int_handler and threading.current_thread() is threading.main_thread()
    if ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield
    except Interrupted:
        raise
    except Exception:
        if came:
            raise KeyboardInterrupt from None
        raise
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
