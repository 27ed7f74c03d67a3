"""What can go wrong between host and board; one line each, as of every TwinspikeError."""

from ..numerics.errors import TwinspikeError


class HostError(TwinspikeError):
    """Any trouble with a board."""


class LinkError(HostError):
    """The line: no port, no answer, unplugged. Opening the device again is the remedy."""


class DeviceError(HostError):
    """The device answered, and the answer is that it cannot or will not."""
