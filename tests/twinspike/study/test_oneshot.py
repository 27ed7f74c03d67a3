"""Protocols of new classes on made-up data whose answers are known."""

import json

import numpy as np
import pytest
from support.networks import random_network

from twinspike.model.data.omniglot import OneShotRun
from twinspike.numerics import emd
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.golden import run
from twinspike.study.protocols import enrolled, episodes, open_set, standard_runs
from twinspike.study.spaces import CHUNK, Pixels, Spikes

RNG = np.random.default_rng(3)


@pytest.fixture(scope="module", params=["spikes", "pixels"])
def space(request):
    if request.param == "pixels":
        return Pixels()
    return Spikes(random_network(4, timesteps=5, shape=(6, 6), widths=(12, 10), classes=4))


def patterns(classes):
    return RNG.integers(0, 256, (classes, 6, 6), dtype=np.uint8)


def test_standard_runs_are_right_where_drawings_repeat_and_wrong_where_answers_are_moved(space):
    known, order = patterns(6), RNG.permutation(6)
    found = standard_runs(space, [OneShotRun(known, known[order], order)] * 2)
    assert found["mean"] == 1.0 and found["runs"] == [1.0, 1.0] and found["draws"] == 2
    wrong = standard_runs(space, [OneShotRun(known, known[order], (order + 1) % 6)])
    assert wrong["mean"] == 0.0


def test_episodes_draw_from_all_classes_or_from_one_group(space):
    """Classes of a group are alike: among themselves they are told apart by chance alone."""
    groups = np.repeat([0, 1, 2], 3)
    labels = np.repeat(np.arange(9), 12)
    points = space.points(patterns(3)[groups[labels]])
    among = episodes(space, points, labels, ways=3, shots=2, count=40, seed=1, groups=groups)
    # The first of equal references is taken: a third of what is asked is its.
    assert among["mean"] == pytest.approx(1 / 3) and among["std"] == 0
    mixed = episodes(space, points, labels, ways=3, shots=2, count=40, seed=1)
    assert 0.5 < mixed["mean"] < 1 and mixed["ways"] == 3 and mixed["asked"] == 15
    assert mixed == episodes(space, points, labels, ways=3, shots=2, count=40, seed=1)


def test_enrolled_classes_are_found_among_themselves_and_among_all(space):
    # Classes are constant images: any example is a perfect reference.
    images, labels = patterns(7), np.repeat(np.arange(7), 6)
    points = space.points(images[labels])
    old, new = labels < 4, labels >= 4
    known = (space.points(images[:4]), np.arange(4))
    rest = (points[new], labels[new])
    found = enrolled(space, known, (points, labels), rest, examples=3, draws=4, seed=0)
    assert found["new"] == found["all"] == {"mean": 1.0, "std": 0.0, "draws": 4}
    # Where the known references are the new classes' own under other names, they take the answers.
    stolen = (space.points(images[4:]), np.arange(3))
    assert enrolled(space, stolen, (points, labels), rest, examples=3, draws=1, seed=0)["all"]["mean"] == 0.0
    with pytest.raises(ValueError):
        enrolled(
            space, known, (points[old], labels[old]), (points[old], labels[old]), examples=7, draws=1, seed=0
        )


def test_distances_are_those_of_the_core():
    space = Spikes(random_network(4, timesteps=5, shape=(6, 6), widths=(12, 10), classes=4))
    images = RNG.integers(0, 256, (CHUNK + 3, 6, 6), dtype=np.uint8)
    counts = run(space.network, space.network.encode(images)).output_counts
    points = space.points(images)
    assert (points == counts.transpose(1, 0, 2)).all()
    references = np.stack([space.reference(points[at : at + 4]) for at in (0, 9)])
    wanted = [emd.median_reference(counts[:, at : at + 4]) for at in (0, 9)]
    assert (references == wanted).all()
    assert (space.distances(points, references) == emd.distances(counts, np.stack(wanted))).all()


def test_open_set_figures():
    score = np.array([*range(100), *range(50, 150)])
    known = np.arange(200) < 100
    found = open_set(score, known, score <= 0)
    assert found["auroc"] == pytest.approx(1 - 50 * 50 / 2 / 100 / 100)
    # 95 of the known ones have a score of up to 94 (95 with it counted in), as have 45 of the others.
    assert found["false_accepts_at_95"] in (0.45, 0.46)
    assert found["true_accepts"] == 0.01 and found["false_accepts"] == 0.0
    assert (found["known"], found["unknown"]) == (100, 100)


def test_what_was_measured_is_kept_and_asked_once(tmp_path, monkeypatch):
    from twinspike.executor import Store, in_this_process
    from twinspike.study import oneshot

    asked = []

    def measure(place, data, network):
        asked.append((data, network.name if network else oneshot.RAW))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return {"mean": 0.5, "of": [data, asked[-1][1]]}

    monkeypatch.setattr(oneshot, "_measure", measure)
    monkeypatch.setattr(oneshot, "RECORDINGS", ())
    arguments = (str(tmp_path), Store.at(tmp_path / "kept"), tmp_path / "oneshot.json")
    with pytest.raises(TwinspikeError, match="nothing is lost"):
        oneshot.oneshot(*arguments, executor=in_this_process(), shipped=True, progress=False)
    path = oneshot.oneshot(*arguments, executor=in_this_process(), shipped=True, progress=False)
    names = ["omniglot-conv", "omniglot-small", "pixels"], ["mnist-enrol", "mnist-0-6"]
    both = [("omniglot", x) for x in names[0]]
    both += [("mnist", x) for x in (*names[0][:2], *names[1], "pixels")]
    # The third was interrupted and is asked again.
    assert asked == [*both[:3], *both[2:]]
    found = json.loads(path.read_text())
    assert found["digits"]["mnist-0-6"]["of"] == ["mnist", "mnist-0-6"] and found["recordings"] == {}
    assert set(found["networks"]) == {*names[0][:2], *names[1]}
    assert found["networks"]["mnist-0-6"]["timesteps"] > 0
