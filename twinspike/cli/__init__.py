"""The command line: one function per command, declared where it is defined (see commands/)."""

from .main import main

__all__ = ["main"]
