import gzip
import hashlib
import http.server
import os
import re
import struct
import threading
import tracemalloc

import numpy as np
import platformdirs
import pytest

from twinspike.model import datasets, downloads
from twinspike.model.datasets import IdxFile, IdxSource, ensure_dataset, load_dataset
from twinspike.model.downloads import download
from twinspike.model.idx import read_idx
from twinspike.numerics.errors import TwinspikeError

needs_data = pytest.mark.skipif(
    not os.environ.get("TWINSPIKE_DATA"), reason="TWINSPIKE_DATA does not name a folder with the datasets"
)


def idx(array, *, magic=None, sizes=None):
    """The bytes of an IDX file, with whatever header."""
    magic = magic if magic is not None else bytes([0, 0, 8, array.ndim])
    sizes = sizes if sizes is not None else array.shape
    return magic + struct.pack(f">{len(sizes)}I", *sizes) + array.astype(np.uint8).tobytes()


def line_of(caught):
    text = str(caught.value)
    assert "\n" not in text
    return text


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
    assert line_of(caught).startswith(f"{path}: {text}") and "sound copy" in line_of(caught)


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
    assert line_of(caught) == f"{tmp_path / 'none.gz'}: cannot read: No such file or directory"


def test_digits_are_stratified_fixed_and_eight_bit():
    digits = load_dataset("digits")
    assert digits.train_images.shape == (1201, 8, 8) and digits.test_images.shape == (596, 8, 8)
    assert digits.train_images.dtype == np.uint8 and digits.train_labels.dtype == np.int64
    assert digits.train_images.max() == 255 and digits.train_images.min() == 0
    share = np.bincount(digits.test_labels) / np.bincount(
        np.concatenate([digits.train_labels, digits.test_labels])
    )
    assert share == pytest.approx(np.full(10, 1 / 3), abs=0.01)
    expected = "c522b914135f440538a7cda9e25efdcc6702c387017afeaf4c3c25162511355a"
    assert digits.checksums == {"digits": expected}
    assert digits.shape == (8, 8) and digits.classes == 10
    assert ensure_dataset("digits") == []


@needs_data
@pytest.mark.parametrize(("name", "per_class"), [("mnist", None), ("fashion", 1000)])
def test_idx_datasets_load_whole(name, per_class):
    dataset = load_dataset(name, progress=False)
    assert dataset.train_images.shape == (60_000, 28, 28) and dataset.test_images.shape == (10_000, 28, 28)
    assert dataset.train_labels.shape == (60_000,) and dataset.test_labels.dtype == np.int64
    counts = np.bincount(dataset.test_labels)
    assert len(counts) == 10 and counts.min() > 800
    assert per_class is None or (counts == per_class).all()
    assert len(dataset.checksums) == 4


def test_unknown_dataset():
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("imagenet")
    assert line_of(caught) == "dataset 'imagenet' is unknown: choose digits, mnist, fashion"


@pytest.fixture
def tiny(monkeypatch):
    """A dataset 'tiny' of four small IDX files; gives {file name: bytes}."""
    rng = np.random.default_rng(0)
    arrays = {
        "train-images.gz": rng.integers(0, 256, (200, 5, 5)), "train-labels.gz": np.arange(200) % 10,
        "test-images.gz": rng.integers(0, 256, (50, 5, 5)), "test-labels.gz": np.arange(50) % 10,
    }  # fmt: skip
    contents = {name: gzip.compress(idx(array), mtime=0) for name, array in arrays.items()}
    use_files(monkeypatch, contents, ("http://127.0.0.1:9/",))
    return contents


def use_files(monkeypatch, contents, mirrors):
    files = tuple(
        IdxFile(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()
    )
    monkeypatch.setitem(datasets.IDX_SOURCES, "tiny", IdxSource("tiny", mirrors, files))
    monkeypatch.setattr(datasets, "DATASETS", ("digits", "tiny"))


def write_all(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)


def test_files_are_found_by_the_variable_and_verified(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    write_all(tmp_path / "tiny", tiny)
    dataset = load_dataset("tiny")
    assert dataset.train_images.shape == (200, 5, 5) and dataset.test_labels.tolist() == list(range(10)) * 5
    assert dataset.checksums == {name: hashlib.sha256(data).hexdigest() for name, data in tiny.items()}
    assert ensure_dataset("tiny") == [tmp_path / "tiny" / name for name in tiny]


def test_missing_short_and_corrupt_files_say_what_to_do(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    path = tmp_path / "tiny" / "train-images.gz"
    advice = "put a sound copy there, or unset TWINSPIKE_DATA to download the file"
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("tiny")
    assert line_of(caught) == f"{path}: the file is missing; {advice}"
    write_all(tmp_path / "tiny", tiny)
    data = tiny[path.name]
    path.write_bytes(data[:-1])
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("tiny")
    assert line_of(caught) == f"{path}: the file has {len(data) - 1} bytes, expected {len(data)}; {advice}"
    path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("tiny")
    assert re.fullmatch(
        re.escape(f"{path}: the file's SHA-256 is ") + r"\w{12}\.\.\., expected \w{12}\.\.\.; " + advice,
        line_of(caught),
    )


def test_images_and_labels_must_be_as_many(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    tiny["test-labels.gz"] = gzip.compress(idx(np.arange(49) % 10))
    use_files(monkeypatch, tiny, ())
    write_all(tmp_path / "tiny", tiny)
    with pytest.raises(TwinspikeError, match=r"test-labels\.gz: holds 49 labels for 50 images$"):
        load_dataset("tiny")


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.files`; `cut` drops the connection after so many bytes, once a request."""

    def do_GET(self):
        server = self.server
        data = server.files.get(self.path.lstrip("/"))
        server.requests.append((self.path, self.headers.get("Range")))
        if data is None:
            self.send_error(404)
            return
        start = 0
        if server.resumes and (match := re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))):
            start = int(match[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : start + server.cut] if server.cut else data[start:])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.requests, server.resumes, server.cut = {}, [], True, 0
        server.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


DATA = np.random.default_rng(5).bytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


def fetch(urls, path, data=DATA):
    download(urls, path, size=len(data), sha256=hashlib.sha256(data).hexdigest(), progress=False)


def test_download_writes_the_file_and_nothing_else(tmp_path, server):
    server.files["f"] = DATA
    fetch([server.url + "f"], tmp_path / "new" / "f")
    assert (tmp_path / "new" / "f").read_bytes() == DATA
    assert os.listdir(tmp_path / "new") == ["f"]
    assert server.requests == [("/f", None)]


def test_download_resumes_where_it_was_cut(tmp_path, server):
    server.files["f"], server.cut = DATA, 120_000
    fetch([server.url + "f"], tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert server.requests == [("/f", None), ("/f", "bytes=120000-"), ("/f", "bytes=240000-")]


def test_an_interrupted_download_goes_on_next_time(tmp_path, server):
    server.files["f"], server.cut = DATA, 50_000
    with pytest.raises(TwinspikeError, match="the connection closed after 150000 of 300000 bytes"):
        fetch([server.url + "f"], tmp_path / "f")
    assert os.listdir(tmp_path) == ["f.part"]
    server.cut = 0
    server.requests.clear()
    fetch([server.url + "f"], tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA and os.listdir(tmp_path) == ["f"]
    assert server.requests == [("/f", "bytes=150000-")]


def test_ctrl_c_keeps_what_has_come(tmp_path, server, monkeypatch):
    server.files["f"] = DATA

    class Interrupting(downloads.tqdm):
        def update(self, n=1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "tqdm", Interrupting)
        with pytest.raises(KeyboardInterrupt):
            fetch([server.url + "f"], tmp_path / "f")
    have = (tmp_path / "f.part").stat().st_size
    assert 0 < have < len(DATA)
    fetch([server.url + "f"], tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert server.requests[-1] == ("/f", f"bytes={have}-")


def test_servers_that_do_not_resume_send_everything_again(tmp_path, server):
    server.files["f"], server.resumes = DATA, False
    (tmp_path / "f.part").write_bytes(DATA[:1000])
    fetch([server.url + "f"], tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_spoilt_part_file_is_thrown_away(tmp_path, server):
    server.files["f"] = DATA
    (tmp_path / "f.part").write_bytes(b"x" * 1000)
    fetch([server.url + "f"], tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert server.requests == [("/f", "bytes=1000-"), ("/f", None)]


@pytest.mark.parametrize("served", [DATA[:-1] + b"?", DATA + b"more", DATA * 20])
def test_wrong_content_never_gets_the_name(tmp_path, server, served):
    server.files["f"] = served
    with pytest.raises(TwinspikeError) as caught:
        fetch([server.url + "f"], tmp_path / "f")
    fault = f"expected 300000 bytes of SHA-256 {SHA256[:12]}..., got others"
    assert line_of(caught) == (
        f"f could not be downloaded ({server.url}f: {fault}): "
        f"check the network and try again, or put the file at {tmp_path / 'f'}"
    )
    assert os.listdir(tmp_path) == []


def test_the_next_mirror_helps(tmp_path, server):
    server.files |= {"bad/f": b"?" * len(DATA), "good/f": DATA}
    fetch([server.url + place + "/f" for place in ("none", "bad", "good")], tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_unreachable_mirrors_are_named(tmp_path, server):
    urls = [server.url + "f", "http://127.0.0.1:9/f"]
    with pytest.raises(TwinspikeError) as caught:
        fetch(urls, tmp_path / "f")
    assert f"{urls[0]}: HTTP status 404; {urls[1]}: " in line_of(caught)
    assert "Connection refused" in line_of(caught)


def test_an_unwritable_folder_gives_one_line(tmp_path, server):
    (tmp_path / "file").write_text("")
    with pytest.raises(TwinspikeError, match=r"/file/f: cannot write: "):
        fetch([server.url + "f"], tmp_path / "file" / "f")


def test_without_the_variable_the_cache_is_filled_once_and_mended(tmp_path, server, monkeypatch, tiny):
    monkeypatch.delenv("TWINSPIKE_DATA", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    server.files |= tiny
    use_files(monkeypatch, tiny, (server.url,))
    assert load_dataset("tiny", progress=False).train_images.shape == (200, 5, 5)
    folder = tmp_path / "twinspike" / "data" / "tiny"
    assert sorted(os.listdir(folder)) == sorted(tiny) and len(server.requests) == 4
    load_dataset("tiny", progress=False)
    assert len(server.requests) == 4
    (folder / "test-labels.gz").write_bytes(b"corrupt")
    load_dataset("tiny", progress=False)
    assert server.requests[4:] == [("/test-labels.gz", None)]
    assert (folder / "test-labels.gz").read_bytes() == tiny["test-labels.gz"]
