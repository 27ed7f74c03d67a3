"""Encrypted traffic by sizes and times of packets: one hidden layer, whose outputs' membranes answer."""

from twinspike.config import load_config
from twinspike.executor import Workplace
from twinspike.study.plain import plain_scores

from .cores import core_goal
from .method import Goal, Method, Row
from .training import changed, part, with_core

CONFIG, EMD = "traffic", "traffic-sites"
MORE = 0.03


def nearest(place: Workplace, name: str) -> Row:
    """Accuracy of nearest neighbours on the histogram of signed sizes, one a form of the histogram."""
    return {"accuracies": {one["what"]: one["accuracy"] for one in plain_scores(load_config(name))}}


def by_emd(place: Workplace, name: str) -> Row:
    """The network of the same data whose outputs are compared by EMD, in the passes of the other one."""
    passes = load_config(CONFIG).training.epochs
    return changed(place, name, "control", {"training": {"epochs": passes}})


def goals(parts: dict[str, Row]) -> list[Goal]:
    mine, plain = parts["TrafficLeak"], parts["nearest neighbours"]["accuracies"]
    score = mine["accuracy"]
    found = [
        Goal(
            f"accuracy on TrafficLeak's {mine['test']} loads",
            f"{score:.4f}",
            f"{least + MORE:.4f}, {MORE:.2f} above a {what}",
            score >= least + MORE,
        )
        for what, least in plain.items()
    ]
    return [*found, core_goal(mine["core"], compared="membrane")]


METHOD = Method(
    name="traffic",
    title="Encrypted traffic by a network of one hidden layer",
    arxiv=("2101.09818",),
    implemented="spikes of size bins and time bins; one dense hidden layer; outputs that never fire, whose "
    "membranes, summed, answer; the surrogate rule, which is the paper's kind (so the control is the network "
    "whose outputs are compared by EMD); a loader for the captures of ISCX VPN-nonVPN (`dataset = iscx`)",
    missing="leaky output neurons; ISCX itself, which was not at hand",
    data="TrafficLeak, 79 web sites through a tunnel: three loads of each to train, one to measure; "
    "96 size bins, 16 steps of 2.5 s, running counts of packets as a thermometer",
    paper_figure="0.959 on ISCX VPN-nonVPN and Tor-nonTor",
    parts=(
        part("TrafficLeak", with_core, CONFIG),
        part("control, outputs by EMD", by_emd, EMD),
        part("nearest neighbours", nearest, CONFIG),
    ),
    goals=goals,
)
