"""The whole network in hardware: event stream in, output spikes and one result record per frame out."""

from .core import Core

__all__ = ["Core"]
