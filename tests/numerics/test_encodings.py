import numpy as np
import pytest

from twinspike.numerics import encodings
from twinspike.numerics.encodings import ENCODINGS, Latency, LatencyDense, OnOff, RankOrder, Rate, Threshold
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.events import frame_spikes
from twinspike.numerics.values import value_spikes

ALL_PIXELS = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)


def random_images(batch=5, shape=(6, 7)):
    return np.random.default_rng(1).integers(0, 256, (batch, *shape), dtype=np.uint8)


@pytest.mark.parametrize("timesteps", [1, 2, 7, 8, 100, 255])
@pytest.mark.parametrize("threshold", [0, 32, 255])
def test_latency_is_the_documented_formula_for_every_pixel_value(timesteps, threshold):
    spikes = Latency(threshold).encode(ALL_PIXELS, timesteps)
    assert spikes.shape == (timesteps, 1, 256) and spikes.dtype == bool
    for x in range(256):
        steps = np.flatnonzero(spikes[:, 0, x]).tolist()
        assert steps == ([(255 - x) * timesteps // 256] if x >= threshold else [])


@pytest.mark.parametrize("timesteps", [1, 8, 255])
def test_latency_dense_spikes_once_everywhere_background_last(timesteps):
    spikes = LatencyDense(100).encode(ALL_PIXELS, timesteps)[:, 0]
    assert (spikes.sum(axis=0) == 1).all()
    assert spikes[-1, :100].all()
    assert np.array_equal(spikes[:, 100:], Latency(100).encode(ALL_PIXELS, timesteps)[:, 0, 100:])


def test_threshold_puts_the_foreground_in_step_zero():
    spikes = Threshold(128).encode(ALL_PIXELS, 4)[:, 0]
    assert np.array_equal(spikes[0], np.arange(256) >= 128)
    assert not spikes[1:].any()


def test_rank_order_ranks_by_brightness_then_address():
    image = np.array([[[9, 200, 50, 200, 100]]], dtype=np.uint8)
    # ranks: 200 at address 1, 200 at address 3, 100 at 4, 50 at 2; 9 is background
    steps = RankOrder(10).steps(image, 8)
    assert steps.tolist() == [[8, 0, 6, 2, 4]]
    assert RankOrder(10).steps(image, 2).tolist() == [[2, 0, 1, 0, 1]]


def test_rank_order_ignores_brightness_scale_and_black_images_are_silent():
    image = np.random.default_rng(0).permutation(100).astype(np.uint8).reshape(1, 10, 10)
    assert np.array_equal(RankOrder(0).encode(image, 8), RankOrder(0).encode(image * 2 + 3, 8))
    assert not RankOrder(1).encode(np.zeros((1, 4, 4), np.uint8), 8).any()


def test_on_off_of_a_bright_dot():
    image = np.zeros((1, 5, 5), dtype=np.uint8)
    image[0, 2, 2] = 240
    spikes = OnOff(threshold=20, radius=1).encode(image, 8)[:, 0]
    on, off = spikes[:, :25], spikes[:, 25:]
    # the dot: contrast 8 * 240 // 8 = 240, step 15 * 8 // 256 = 0; a neighbour: 240 // 8 = 30, step 7
    assert np.argwhere(on).tolist() == [[0, 12]]
    ring = [6, 7, 8, 11, 13, 16, 17, 18]
    assert np.argwhere(off).tolist() == [[7, place] for place in ring]


def test_on_off_counts_only_the_surround_inside_the_image():
    corner = np.zeros((1, 4, 4), dtype=np.uint8)
    corner[0, 0, 0] = 100
    steps = OnOff(threshold=30, radius=1).steps(corner, 16)[0]
    assert steps[0] == (255 - 100) * 16 // 256
    assert steps[16 + 1] == 16  # the neighbour along the edge has 5 others: 100 // 5 = 20, below 30
    assert steps[16 + 5] == 16
    assert OnOff().steps(np.full((1, 1, 1), 255, np.uint8), 8).tolist() == [[8, 8]]


def test_on_off_is_silent_on_uniform_images_and_mirrors_on_negatives():
    encoding = OnOff(threshold=5)
    assert not encoding.encode(np.full((1, 6, 6), 200, np.uint8), 8).any()
    images = random_images()
    on, off = np.split(encoding.steps(images, 8), 2, axis=1)
    negative_on, negative_off = np.split(encoding.steps(255 - images, 8), 2, axis=1)
    assert np.array_equal(on, negative_off) and np.array_equal(off, negative_on)
    assert encoding.addresses((6, 7)) == 84


def test_rate_probabilities_follow_the_pixel_and_the_peak():
    image = np.repeat(np.array([0, 64, 128, 255], np.uint8), 64).reshape(1, 16, 16)
    rates = Rate(peak=50, seed=3).encode(image, 255)[:, 0].reshape(255, 4, 64).mean(axis=(0, 2))
    assert rates[0] == 0
    # 16,320 draws each: four standard deviations are below 0.016
    assert rates == pytest.approx(np.array([0, 64, 128, 255]) / 255 * 0.5, abs=0.016)
    assert Rate(peak=100).encode(np.full((1, 2, 2), 255, np.uint8), 255).all()


def test_rate_depends_on_seed_and_image_but_not_on_the_batch():
    images, encoding = random_images(), Rate(seed=5)
    whole = encoding.encode(images, 20)
    for index in range(len(images)):
        assert np.array_equal(encoding.encode(images[index : index + 1], 20)[:, 0], whole[:, index])
    assert np.array_equal(encoding.encode(images, 10), whole[:10])
    assert not np.array_equal(Rate(seed=6).encode(images, 20), whole)
    same_but_one = images.copy()
    same_but_one[:, 0, 0] ^= 1
    differ = (encoding.encode(same_but_one, 20) != whole).mean(axis=(0, 2))
    assert (differ > 0.1).all()


def test_rate_is_pinned_so_that_other_implementations_can_rely_on_it():
    image = np.array([[[0, 60, 120], [180, 240, 255]]], dtype=np.uint8)
    spikes = Rate(peak=80, seed=7).encode(image, 6)[:, 0]
    assert encodings.mix32(np.array([0, 1, 0xFFFFFFFF], np.uint32)).tolist() == [0, 2261973619, 2578835075]
    assert ["".join("01"[s] for s in step) for step in spikes.astype(int)] == [
        "000101",
        "001111",
        "001011",
        "001011",
        "000111",
        "000011",
    ]


def test_mix32_is_a_bijection_of_its_low_words():
    words = np.arange(1 << 16, dtype=np.uint32)
    assert len(np.unique(encodings.mix32(words))) == len(words)


# Those of images; test_timed.py has the others.
OF_IMAGES = {kind: cls for kind, cls in ENCODINGS.items() if not issubclass(cls, encodings.Timed)}


@pytest.mark.parametrize("encoding", [cls() for cls in OF_IMAGES.values()], ids=list(OF_IMAGES))
def test_every_encoding_is_deterministic_round_trips_and_gives_events(encoding):
    images = random_images()
    spikes = encoding.encode(images, 9)
    graded = encoding.kind == "graded"
    assert spikes.dtype == (np.uint8 if graded else bool)
    assert spikes.shape == (9, 5, encoding.addresses((6, 7))) and spikes.any()
    assert np.array_equal(encoding.encode(images[::-1], 9)[:, ::-1], spikes)
    words, last = encoding.events(images[2], 9)
    back = value_spikes if graded else frame_spikes
    assert np.array_equal(back(words, 9, encoding.addresses((6, 7))), spikes[:, 2])
    assert last.tolist() == [False] * (len(words) - 1) + [True]
    assert encodings.encoding_from_table(encoding.table(), "encoder") == encoding


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (
            {"kind": "latensy"},
            "encoder.kind = 'latensy' is unknown: did you mean latency? Else allowed are latency, "
            "latency-dense, rate, threshold, rank-order, on-off",
        ),
        ({"threshold": 3}, "encoder.kind = None is unknown: allowed are latency, latency-dense, rate, "),
        ({"kind": ["rate"]}, "encoder.kind = ['rate'] is unknown"),
        (
            {"kind": "latency", "threshold": 256},
            "encoder.threshold = 256 is not allowed: expected an integer in 0..255",
        ),
        (
            {"kind": "rate", "threshold": 1},
            "encoder.threshold is unknown: allowed keys are peak, seed",
        ),
        ({"kind": "rate", "peak": True}, "encoder.peak = True is not allowed: expected an integer in 1..100"),
    ],
)
def test_bad_tables_are_named(table, text):
    with pytest.raises(TwinspikeError) as caught:
        encodings.encoding_from_table(table, "encoder")
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("images", "timesteps", "text"),
    [
        (
            np.zeros((1, 2), np.int64),
            8,
            "images dtype = 'int64' is not allowed: expected uint8, pixels 0..255",
        ),
        (
            np.zeros(4, np.uint8),
            8,
            "images shape = (4,) is not allowed: expected [B, *shape] with at least one",
        ),
        (np.zeros((2, 0), np.uint8), 8, "images shape = (2, 0) is not allowed"),
        (np.zeros((1, 2), np.uint8), 0, "timesteps = 0 is not allowed: expected an integer in 1..1023"),
        (np.zeros((1, 2), np.uint8), 1024, "timesteps = 1024 is not allowed: expected an integer in 1..1023"),
    ],
)
def test_what_cannot_be_encoded_is_refused(images, timesteps, text):
    with pytest.raises(TwinspikeError) as caught:
        Latency().encode(images, timesteps)
    assert str(caught.value).startswith(text)
