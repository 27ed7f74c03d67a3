import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinspike.model.inputs.encodings import encode
from twinspike.numerics import encodings
from twinspike.numerics.encodings import ENCODINGS, Latency, LatencyDense, OnOff, RankOrder, Rate, Threshold
from twinspike.numerics.errors import TwinspikeError

BYTE = st.integers(0, 255)
STRATEGIES = {
    "latency": st.builds(Latency, BYTE),
    "latency-dense": st.builds(LatencyDense, BYTE),
    "threshold": st.builds(Threshold, BYTE),
    "rank-order": st.builds(RankOrder, BYTE),
    "threshold-dense": st.builds(encodings.ThresholdDense, BYTE),
    "rank-order-dense": st.builds(encodings.RankOrderDense, BYTE),
    "rate-dense": st.builds(encodings.RateDense, st.integers(1, 100), st.integers(0, 2**31 - 1)),
    "on-off-dense": st.builds(encodings.OnOffDense, st.integers(1, 255), st.integers(1, 15)),
    "graded": st.builds(encodings.Graded, st.integers(1, 4)),
    "rate": st.builds(Rate, st.integers(1, 100), st.integers(0, 2**31 - 1)),
    "on-off": st.builds(OnOff, st.integers(1, 255), st.integers(1, 15)),
}
SHAPES = arrays.array_shapes(min_dims=2, max_dims=4, max_side=6)


OF_IMAGES = [kind for kind, cls in ENCODINGS.items() if not issubclass(cls, encodings.Timed)]
TIMED = [kind for kind in ENCODINGS if kind not in OF_IMAGES]


def test_every_kind_is_tried():
    assert set(STRATEGIES) == set(OF_IMAGES)


@pytest.mark.parametrize("kind", STRATEGIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_torch_twin_is_bit_equal(kind, data):
    encoding = data.draw(STRATEGIES[kind])
    images = data.draw(arrays.arrays(np.uint8, SHAPES))
    timesteps = data.draw(st.sampled_from([1, 2, 3, 8, 31, 254, 255]))
    expected = encoding.encode(images, timesteps)
    spikes = encode(encoding, torch.from_numpy(images), timesteps)
    assert spikes.dtype == torch.float32 and spikes.shape == expected.shape
    assert np.array_equal(spikes.numpy(), expected.astype(np.float32))


@pytest.mark.parametrize("kind", OF_IMAGES)
def test_twins_agree_on_whole_images(kind):
    images = np.random.default_rng(2).integers(0, 256, (8, 28, 28), dtype=np.uint8)
    images[0], images[1] = 0, 255
    expected = ENCODINGS[kind]().encode(images, 8)
    assert np.array_equal(encode(ENCODINGS[kind](), torch.from_numpy(images), 8).numpy(), expected)


@pytest.mark.parametrize("kind", TIMED)
def test_samples_that_are_spikes_stay_what_they_are(kind):
    samples = np.random.default_rng(3).integers(0, 2, (4, 9, 3, 5, 2), dtype=np.uint8)
    spikes = encode(ENCODINGS[kind](), torch.from_numpy(samples), 9).numpy()
    assert np.array_equal(spikes, ENCODINGS[kind]().encode(samples, 9))
    assert np.array_equal(spikes, samples.reshape(4, 9, 30).transpose(1, 0, 2))
    for bad, said in ((samples[:, :8], r"\[B, T, \*map\] with T = 9"), (samples * 2, "spikes hold a 2")):
        with pytest.raises(TwinspikeError, match=said):
            encode(ENCODINGS[kind](), torch.from_numpy(bad), 9)


def test_float_images_are_refused():
    with pytest.raises(
        TwinspikeError, match=r"images dtype = 'torch.float32' is not allowed: expected uint8"
    ):
        encode(Latency(), torch.zeros(1, 2, 2), 8)
