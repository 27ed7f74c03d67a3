import numpy as np
import pytest
from PIL import Image

from twinspike.model.data.stereo import (
    FILES,
    StereoPair,
    drawn_pair,
    events,
    load_stereo,
    pair_events,
    stereo_checksums,
)
from twinspike.numerics.errors import TwinspikeError

RNG = np.random.default_rng(0)


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """cones and teddy of 4 x 6 pixels; the folder of cones."""
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    for name in ("cones", "teddy"):
        folder = tmp_path / "stereo-middlebury" / name
        folder.mkdir(parents=True)
        for file in FILES:
            pixels = RNG.integers(1, 256, (4, 6)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / file)
    return tmp_path / "stereo-middlebury" / "cones"


def test_squares_become_one_pixel(scene):
    stored = np.array([[8, 8, 0, 0, 4, 0], [8, 80, 0, 0, 0, 12], *[[16] * 6] * 2], np.uint8)
    Image.fromarray(stored).save(scene / "disp2.png")
    pair, _ = load_stereo("cones", 2)
    left = np.asarray(Image.open(scene / "im2.png")) / 255
    assert pair.left[0, 1] == pytest.approx(left[:2, 2:4].mean())
    # Stored times four, in pixels half as wide; what is not known does not count.
    assert pair.disparity[0] == pytest.approx([8 / 8, np.nan, 8 / 8], nan_ok=True)
    assert (pair.disparity[1] == 2).all()


def test_in_the_mirror_the_right_camera_is_the_left_one(scene):
    pair, mirrored = load_stereo("teddy", 1)
    assert np.array_equal(mirrored.left, pair.right[:, ::-1])
    assert np.array_equal(mirrored.right, pair.left[:, ::-1])
    of_right = np.asarray(Image.open(scene.parent / "teddy" / "disp6.png"))
    assert np.array_equal(mirrored.disparity, of_right[:, ::-1] / 4)


def test_every_file_counts_and_a_missing_one_is_named(scene):
    sums = stereo_checksums()
    assert len(sums) == 8 and "cones/im6.png" in sums
    (scene / "disp6.png").unlink()
    with pytest.raises(TwinspikeError, match=r"disp6.png: the file is missing"):
        load_stereo("cones", 1)


def test_events_tell_where_brightness_moved_and_how():
    picture = np.full((9, 12), 0.1)
    picture[:, 6:] = 0.9
    # To the left of where it began in step 1, at the right again in the last.
    seen = events(picture, 2, 1.0, 0.5)
    assert seen.shape == (2, 9, 12, 2) and seen.dtype == np.uint8
    assert seen[0, :, 5:7, 1].all() and not seen[0, ..., 0].any()
    assert seen[1, :, 5:7, 0].all() and not seen[1, ..., 1].any()
    assert not seen[:, :, :4].any() and not events(picture * 0 + 0.5, 4, 1.0, 0.1).any()


def test_a_higher_threshold_gives_fewer_events():
    picture = RNG.random((20, 20))
    counts = [int(events(picture, 8, 1.0, threshold).sum()) for threshold in (0.1, 0.4, 3.0)]
    assert counts[0] > counts[1] > counts[2]


def test_both_cameras_have_channels_of_their_own():
    dark, busy = np.full((6, 8), 0.5), RNG.random((6, 8))
    seen = pair_events(StereoPair(dark, busy, dark), 4, 1.0, 0.2)
    assert seen.shape == (4, 6, 8, 4) and not seen[..., :2].any() and seen[..., 2:].any()


def test_a_drawn_pair_has_the_disparities_that_it_says():
    texture = np.tile(np.arange(40) / 40, (30, 1))  # brightness tells the column
    pair = drawn_pair(texture, 9, np.random.default_rng(3))
    known = ~np.isnan(pair.disparity)
    assert known.mean() > 0.5 and np.nanmin(pair.disparity) >= 0 and np.nanmax(pair.disparity) <= 9
    column = np.arange(40)[None] - pair.disparity
    assert pair.left[known] == pytest.approx((column / 40)[known])
    assert np.array_equal(pair.right, texture)


def test_parts_and_turns_keep_pixels_together():
    pair = StereoPair(*(RNG.random((3, 5, 8))))
    assert pair.columns(2, 6).turned().disparity.tolist() == pair.disparity[::-1, 2:6].tolist()
