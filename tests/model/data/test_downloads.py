import hashlib
import http.client
import os

import numpy as np
import pytest
from support.file_server import running_server

from twinspike.model.data import downloads
from twinspike.model.data.downloads import download
from twinspike.numerics.errors import TwinspikeError

DATA = np.random.default_rng(5).bytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server():
    with running_server() as server:
        yield server


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

    class Interrupting(downloads.Bar):
        def update(self, n=1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "Bar", Interrupting)
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
    assert str(caught.value) == (
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
    assert f"{urls[0]}: HTTP status 404; {urls[1]}: " in str(caught.value)
    assert "Connection refused" in str(caught.value)


def test_an_unwritable_folder_gives_one_line(tmp_path, server):
    (tmp_path / "file").write_text("")
    with pytest.raises(TwinspikeError, match=r"/file/f: cannot write: "):
        fetch([server.url + "f"], tmp_path / "file" / "f")


def test_faults_of_the_line_are_told_from_faults_of_the_disk(tmp_path, server, monkeypatch):
    server.files["f"] = DATA

    def unreachable(response, amount=None):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(http.client.HTTPResponse, "read", unreachable)
    with pytest.raises(TwinspikeError, match=r"could not be downloaded .*Network is unreachable"):
        fetch([server.url + "f"], tmp_path / "f")
