"""Multi-label sets, read from an archive that is made here."""

import io
import tarfile

import numpy as np
import pytest

from twinspike.model.data import multilabel
from twinspike.numerics.errors import TwinspikeError

HEAD = """@relation made
@attribute a numeric
@attribute where {{2,10}}
@attribute 'One' {{0,1}}
@attribute two {{0,1}}
@data
{rows}
"""
FILES = {
    "made/made.xml": '<labels xmlns="http://mulan.sourceforge.net/labels">'
    '<label name="One"/><label name="two"/></labels>',
    "made/made-train.arff": HEAD.format(rows="0.5,2,0,1\n-1.25,10,1,1"),
    "made/made-test.arff": HEAD.format(rows="3,10,0,0"),
}


@pytest.fixture
def data(monkeypatch, tmp_path):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    folder = tmp_path / multilabel.FOLDER
    folder.mkdir()
    with tarfile.open(folder / multilabel.ARCHIVE, "w:xz") as packed:
        for name, text in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text.encode()))
    return folder / multilabel.ARCHIVE


def test_labels_are_the_last_attributes(data):
    found = multilabel.load_multilabel("made")
    assert np.array_equal(found.train, [[0.5, 2], [-1.25, 10]])
    assert np.array_equal(found.train_labels, [[False, True], [True, True]])
    assert np.array_equal(found.test, [[3, 10]]) and not found.test_labels.any()
    assert len(multilabel.archive_checksum()) == 64


def test_what_is_missing_is_named(data):
    with pytest.raises(TwinspikeError, match=r"mulan.tar.xz: holds no other/other.xml"):
        multilabel.load_multilabel("other")
    data.unlink()
    with pytest.raises(TwinspikeError, match="the file is missing: put it there, or name the data's folder"):
        multilabel.load_multilabel("made")
