"""Training from Python, on arrays and tables, in folders from which the command line goes on."""

import numpy as np
import pytest

import twinspike as ts
from twinspike.cli.main import main

TABLE = {
    "dataset": "digits",
    "timesteps": 4,
    "layers": [{"neurons": 12}, {"neurons": 8}],
    "training": {"epochs": 2},
}


# Two epochs of a few images teach little, which is warned of.
pytestmark = pytest.mark.filterwarnings("ignore:the network learned nothing")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bars(count=120):
    """4 x 4 images of a bright row, or of a bright column, at random places."""
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 60, (count, 4, 4), np.uint8), rng.integers(0, 2, count)
    for image, label, place in zip(x, y, rng.integers(0, 4, count), strict=True):
        (image if label else image.T)[place] = 250
    return x, np.array(["column", "row"])[y]


def test_arrays_train_and_every_step_of_the_command_line_goes_on(here):
    net = ts.train(TABLE, bars(), name="my bars", changes={"training.epochs": 6})
    assert net.name == "my bars" and net.shape == (4, 4) and net.config.training.epochs == 6
    again = ts.load("build/my bars")
    assert again.content_hash == net.content_hash
    x, _ = bars()
    np.testing.assert_array_equal(again.classify(x).label, net.classify(x).label)
    for step in (["golden"], ["rtl"], ["report"]):
        assert main([*step, "--config", "build/my bars/my bars.toml"]) == 0
    assert (here / "build/my bars/report/index.html").is_file()


def test_other_arrays_replace_those_before(here):
    first = ts.train(TABLE, bars())
    x, y = bars()
    second = ts.train(TABLE, (x[:80], y[:80], x[80:], y[80:]))
    assert first.place == second.place and len(list(second.place.build.glob("data-*.npz"))) == 1
    assert len(second.test_images(1000)[0]) == 40
    with pytest.raises(ts.TwinspikeError, match=r"has changed since|does not exist"):
        first.test_images(1)


def test_a_table_names_a_dataset_from_the_working_folder(here):
    x, y = bars()
    np.savez(here / "own.npz", x=x, y=y)
    net = ts.train(TABLE | {"dataset": "./own.npz"}, name="own", out="elsewhere")
    assert net.test_images(3)[0].shape == (3, 4, 4) and (here / "elsewhere/own/own.toml").is_file()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((np.zeros((4, 2, 2)), [0, 1, 0, 1]), "x = 'float64 [4, 2, 2]' is not allowed"),
        ((np.zeros((4, 2, 2), np.uint8),), "data has 1 arrays: expected (x, y)"),
        ((np.zeros((4, 2, 2), np.uint8), [0, 1]), "labels [4]"),
    ],
)
def test_arrays_that_are_no_data_are_refused_in_one_line(data, said):
    with pytest.raises(ts.TwinspikeError) as error:
        ts.train(TABLE, data)
    assert said in str(error.value)


def test_a_bad_key_is_named():
    with pytest.raises(ts.TwinspikeError, match=r"training\.epoch "):
        ts.train(TABLE | {"training": {"epoch": 3}})
