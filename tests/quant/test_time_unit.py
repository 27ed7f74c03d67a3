"""How long a step is in a file's time: told by its gains, usual, or guessed where the usual would be dead."""

import numpy as np
import pytest
from support.graphs import affine, graph, lif

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_import import float_layers, run_layers
from twinspike.quant.time_unit import time_unit

SPIKES = np.random.default_rng(0).random((10, 40, 12)) < 0.3


def net(**neurons):
    rng = np.random.default_rng(1)
    return graph(
        a=affine(rng.normal(0.1, 0.7, (16, 12))),
        b=lif(16, **neurons),
        c=affine(rng.normal(0.1, 0.7, (7, 16))),
        d=lif(7, **neurons),
    )


def integrators(r):
    made = net()
    for name, count in (("b", 16), ("d", 7)):
        made["nodes"][name] = {"type": "IF", "r": np.full(count, r), "v_threshold": np.ones(count)}
    return made


def found(made, dialect="nir", given=None):
    return time_unit(made, dialect, "zero", given, SPIKES)


@pytest.mark.parametrize(
    ("made", "dialect", "dt"),
    [
        (net(tau=8e-4, r=8.0), "nir", 1e-4),
        (net(tau=8.0, r=8.0), "nir", 1.0),  # in steps, gain 1
        (net(tau=8e-3, r=8.0), "nir", 1e-3),
        (net(tau=8.0, r=8.0), "snntorch", 1.0),
        (net(tau=8e-5, r=8.0), "spikingjelly", 1e-5),
        (integrators(1.0), "nir", 1.0),
        (integrators(1e4), "nir", 1e-4),
        (integrators(1e3), "spikingjelly", 1e-3),
        (net(tau=np.inf, r=np.inf), "snntorch", 1e-4),
    ],
)
def test_the_step_is_told_or_guessed_so_that_every_layer_spikes(made, dialect, dt):
    unit = found(made, dialect)
    assert unit.dt == dt
    assert f"a step is {dt:g} s in the file" in unit.line and "\n" not in unit.line
    layers = float_layers(made, dialect=dialect, dt=unit.dt)
    assert all(0.02 < train.mean() < 0.9 for train in run_layers(layers, SPIKES))
    np.testing.assert_allclose(layers[0].weight, made["nodes"]["a"]["weight"])  # a gain of 1


def test_steps_without_a_gain_of_tau_are_guessed_by_what_spikes():
    made = net(tau=8.0, r=1.0)
    made["nodes"]["a"]["weight"] *= 8
    made["nodes"]["c"]["weight"] *= 8
    assert not any(train.any() for train in run_layers(float_layers(made), SPIKES))  # as it was read before
    unit = found(made)
    assert (unit.dt, "guessed: at the usual 0.0001 s it would hardly spike" in unit.line) == (1.0, True)
    assert "time constants of 8 steps" in unit.line
    for node in ("b", "d"):
        made["nodes"][node]["tau"][:] = 8e-3  # Norse, to_nir(dt=1)
    assert found(made, "norse").dt == 1e-3


def test_a_step_given_by_hand_and_the_usual_one_are_said():
    assert found(net(tau=8.0, r=8.0), given=0.5).line.startswith(
        "time unit: a step is 0.5 s in the file (given by --dt; time constants of 16 steps)"
    )
    line = found(net(tau=4e-4, r=1.0, v_threshold=0.01)).line
    how = "(usual of nir; time constants of 4 steps)"
    assert line == f"time unit: a step is 0.0001 s in the file {how}; --dt S says otherwise"


def test_a_network_that_is_dead_at_every_step_keeps_the_usual_one():
    assert found(net(v_threshold=1e9)).dt == 1e-4


def test_what_cannot_be_mapped_is_refused_before_any_guess():
    with pytest.raises(TwinspikeError, match=r"a step of 0.0001 s is 10 time constants .* \(--from\)"):
        found(net(tau=1e-5, r=1.0))
    made = net()
    del made["nodes"]["b"]["tau"]
    with pytest.raises(TwinspikeError, match="its tau is missing"):
        found(made, "snntorch")
