"""IDX files, the format of MNIST and its relatives: a big-endian header, then unsigned bytes.

Format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits". Two zero bytes,
a type byte (8: unsigned byte), the number of dimensions, one 32-bit size a dimension, the data.
"""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from ...numerics.errors import TwinspikeError

# Several times the largest MNIST relative; a header that asks for more is not believed.
MAX_BYTES = 1 << 28


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The array uint8 [...] of `dimensions` axes in a gzipped IDX file of unsigned bytes.

    Raises TwinspikeError, one line naming the file, if it is missing, is no gzip file, is cut short,
    goes on too long or has another header. Never reads more than the header promises.
    """
    try:
        with gzip.open(path, "rb") as file:
            return _parse(file, dimensions)
    except TwinspikeError as error:
        raise TwinspikeError(f"{path}: {error}; replace the file by a sound copy") from None
    except EOFError:
        raise TwinspikeError(f"{path}: the gzip file is cut short; replace it by a sound copy") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise TwinspikeError(f"{path}: is no sound gzip file ({error}); replace it by a sound copy") from None
    except OSError as error:
        raise TwinspikeError(f"{path}: cannot read: {error.strerror or error}") from None


def _parse(file: gzip.GzipFile, dimensions: int) -> np.ndarray:
    head = file.read(4)
    wanted = bytes([0, 0, 8, dimensions])
    if head != wanted:
        raise TwinspikeError(f"IDX magic number is 0x{head.hex()}, expected 0x{wanted.hex()}")
    sizes = file.read(4 * dimensions)
    if len(sizes) != 4 * dimensions:
        raise TwinspikeError(f"IDX header is cut short: expected {dimensions} sizes")
    shape = struct.unpack(f">{dimensions}I", sizes)
    count = 1
    for size in shape:
        count *= size
    if not 1 <= count <= MAX_BYTES:
        raise TwinspikeError(f"IDX sizes {list(shape)} give {count} bytes, allowed are 1..{MAX_BYTES}")
    data = file.read(count + 1)
    if len(data) != count:
        many = "more" if len(data) > count else str(len(data))
        raise TwinspikeError(f"IDX sizes {list(shape)} promise {count} bytes of data, found {many}")
    return np.frombuffer(bytearray(data), dtype=np.uint8).reshape(shape)
