import gzip
import tracemalloc

import numpy as np
import pytest
from support.idx_files import idx

from twinspike.model.data.idx import read_idx
from twinspike.numerics.errors import TwinspikeError

IMAGES = np.arange(24).reshape(2, 3, 4)


def test_idx_round_trip(tmp_path):
    (tmp_path / "f.gz").write_bytes(gzip.compress(idx(IMAGES)))
    array = read_idx(tmp_path / "f.gz", 3)
    assert array.dtype == np.uint8 and np.array_equal(array, IMAGES) and array.flags.writeable


GZIPPED = gzip.compress(idx(IMAGES))
UNSOUND = {
    "labels instead": (
        gzip.compress(idx(IMAGES[0, 0])),
        "IDX magic number is 0x00000801, expected 0x00000803",
    ),
    "nothing inside": (gzip.compress(b""), "IDX magic number is 0x, expected 0x00000803"),
    "short header": (gzip.compress(idx(IMAGES)[:9]), "IDX header is cut short: expected 3 sizes"),
    "short data": (
        gzip.compress(idx(IMAGES)[:-1]),
        "IDX sizes [2, 3, 4] promise 24 bytes of data, found 23",
    ),
    "long data": (
        gzip.compress(idx(IMAGES) + b"x"),
        "IDX sizes [2, 3, 4] promise 24 bytes of data, found more",
    ),
    "no images": (
        gzip.compress(idx(IMAGES, sizes=(0, 3, 4))),
        "IDX sizes [0, 3, 4] give 0 bytes, allowed are 1..268435456",
    ),
    "cut gzip": (GZIPPED[:-12], "the gzip file is cut short"),
    "no gzip": (idx(IMAGES), "is no sound gzip file (Not a gzipped file"),
    "bad crc": (GZIPPED[:-8] + b"\0" * 8, "is no sound gzip file (CRC check failed"),
    "bad deflate": (GZIPPED[:10] + b"\xff" * 20, "is no sound gzip file (Error -3"),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_unsound_idx_files_give_one_line(tmp_path, case):
    data, text = UNSOUND[case]
    path = tmp_path / "f.gz"
    path.write_bytes(data)
    with pytest.raises(TwinspikeError) as caught:
        read_idx(path, 3)
    assert str(caught.value).startswith(f"{path}: {text}") and "sound copy" in str(caught.value)


def test_idx_of_huge_sizes_or_content_allocates_nothing(tmp_path):
    header, bomb = tmp_path / "header.gz", tmp_path / "bomb.gz"
    header.write_bytes(gzip.compress(idx(IMAGES, sizes=(2**32 - 1, 2**32 - 1, 2**32 - 1))))
    bomb.write_bytes(gzip.compress(idx(IMAGES) + bytes(30_000_000)))
    tracemalloc.start()
    with pytest.raises(TwinspikeError, match="allowed are 1"):
        read_idx(header, 3)
    with pytest.raises(TwinspikeError, match="found more"):
        read_idx(bomb, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_missing_idx_file(tmp_path):
    with pytest.raises(TwinspikeError) as caught:
        read_idx(tmp_path / "none.gz", 3)
    assert str(caught.value) == f"{tmp_path / 'none.gz'}: cannot read: No such file or directory"
