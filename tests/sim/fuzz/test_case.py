"""Cases of the fuzzing: small files, networks that share a core, streams with every mishap."""

import dataclasses
from functools import reduce
from operator import or_

import numpy as np
import pytest
from support.cases import CASE, LAYER

from twinspike.hw.emit.emit import describe
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.ingress import LAST, sanitise
from twinspike.sim.fuzz.case import MISHAPS, Case


def test_a_file_gives_the_case_back():
    assert Case.from_json(CASE.to_json(), "x") == CASE
    for text in ("{", "[]", "{}", '{"layers": [{}]}', CASE.to_json().replace('"frames"', '"frame"')):
        with pytest.raises(TwinspikeError, match="f: is no case of twinspike fuzz"):
            Case.from_json(text, "f")


def test_networks_of_a_case_differ_but_for_what_a_core_is_made_from():
    def shape(index):
        table = describe(CASE.plan(CASE.network(index)))
        return {key: table[key] for key in table if key not in ("network", "network_hash")}

    assert shape(0) == shape(1) == shape(2)
    assert len({CASE.network(index).content_hash for index in range(3)}) == 3
    assert CASE.network(1).content_hash == CASE.network(1).content_hash
    assert not np.array_equal(CASE.spikes(0), CASE.spikes(1))


@pytest.mark.parametrize("weights", ["rails", "positive", "negative", "sparse"])
def test_styles_of_weights_reach_the_rails(weights):
    layer = dataclasses.replace(LAYER, weights=weights)
    found = set(dataclasses.replace(CASE, layers=(layer,)).network(0).layers[0].weight.flat)
    assert found <= {"rails": {-7, 7}, "positive": {7}, "negative": {-7}}.get(weights, set(range(-7, 8)))


def test_hostile_streams_hold_every_mishap_and_end_with_a_sound_frame():
    kinds, flags = dict.fromkeys(MISHAPS, 0), 0
    for index in range(40):
        words, done = CASE.hostile_words(index)
        kinds = {kind: kinds[kind] + done[kind] for kind in kinds}
        counts, seen = sanitise(words, CASE.timesteps, CASE.inputs)
        flags |= reduce(or_, seen.tolist())
        assert words[-1] & LAST and seen[-1] == 0
        assert np.array_equal(counts[:, -1], CASE.spikes(index)[:, -1])
    assert all(kinds.values()) and flags == 0b1111
