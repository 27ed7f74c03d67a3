"""The command line: one function per command, declared where it is defined."""

from .main import main

__all__ = ["main"]
