"""Sums event by event are those tap by tap: which of the two runs is a matter of speed alone."""

import numpy as np
import pytest
from support.maps import random_conv, random_taps

from twinspike.quant.synapses import maps

MAKERS = {
    "plain": lambda rng: random_conv(rng, (7, 6, 3), 5, (3, 2)),
    "strided": lambda rng: random_conv(
        rng, (8, 9, 2), 4, (2, 3), stride=(2, 1), padding=(1, 2), dilation=(1, 2)
    ),
    "taps": lambda rng: random_taps(rng, (5, 6, 2), 3, 4, stride=(2, 1)),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_events_add_up_to_what_windows_do(kind, share, monkeypatch):
    rng = np.random.default_rng(3)
    layer = MAKERS[kind](rng)
    spikes = (rng.random((4, 3, layer.inputs)) < share) * rng.integers(1, 9, (4, 3, layer.inputs))
    found = {}
    for name, answer in (("events", True), ("windows", False)):
        monkeypatch.setattr(maps, "few", lambda _, answer=answer: answer)
        found[name] = layer.synapses.currents(layer.weight, spikes)
        real = layer.synapses.sums(layer.weight / 7, spikes)
        np.testing.assert_allclose(real, found[name] / 7, atol=1e-12)
    assert np.array_equal(found["events"], found["windows"])
