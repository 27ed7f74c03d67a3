"""AEDAT 4, Prophesee RAW (EVT 2, EVT 3) and Event Stream, by the library faery (extra `events`)."""

from pathlib import Path

from ....numerics.errors import TwinspikeError
from ....numerics.extras import remedy
from ....numerics.recordings import EventRecording
from .events import recording
from .temporary import as_file


def read_faery(path: Path, data: bytes) -> EventRecording:
    """A recording in a format that faery knows by the file's ending; raises TwinspikeError."""
    try:
        import faery
    except ImportError:
        raise TwinspikeError(f"{path}: needs the library faery: {remedy('events')}") from None
    with as_file(path, data) as file:
        try:
            stream = faery.events_stream_from_file(file)
            found, sides = stream.to_array(), stream.dimensions()
        # The library raises bare exceptions of several kinds, some of them from Rust.
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            said = " ".join(str(error).split()).replace(str(file), path.name)
            # It may repeat bytes of the file, which a terminal would obey.
            said = "".join(c if c.isprintable() else "?" for c in said)
            raise TwinspikeError(f"{path}: is a damaged recording ({said})") from None
    return recording(path, found["t"], found["x"], found["y"], found["on"], sides)
