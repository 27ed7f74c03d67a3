"""Readers of recordings: one file a family of formats, found by a file's name and first bytes."""

from .kinds import READERS, SUFFIXES, kind_of, read_recording

__all__ = ["READERS", "SUFFIXES", "kind_of", "read_recording"]
