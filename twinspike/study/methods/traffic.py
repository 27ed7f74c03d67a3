"""Encrypted traffic by sizes and times of packets: one hidden layer, whose outputs' membranes answer."""

from functools import partial

from twinspike.config import load_config
from twinspike.executor import Workplace
from twinspike.study.plain import plain_scores

from .cores import exact
from .method import Goal, Method, Part, Row
from .training import depends_on, trained, with_core

CONFIG, EMD = "traffic", "traffic-sites"
MORE = 0.03


def nearest(place: Workplace, name: str) -> Row:
    """Accuracy of nearest neighbours on the histogram of signed sizes, one a form of the histogram."""
    return {"accuracies": {one["what"]: one["accuracy"] for one in plain_scores(load_config(name))}}


def by_emd(place: Workplace, name: str) -> Row:
    """The network of the same data whose outputs are compared by EMD, in the passes of the other one."""
    passes = load_config(CONFIG).training.epochs
    _, _, row = trained(place, load_config(name).changed(f"{name}-control", training={"epochs": passes}))
    return row


def goals(parts: dict[str, Row]) -> list[Goal]:
    mine, plain = parts["TrafficLeak"], parts["nearest neighbours"]["accuracies"]
    score, core = mine["accuracy"], mine["core"]
    found = [
        Goal(
            f"accuracy on TrafficLeak's {mine['test']} loads",
            f"{score:.4f}",
            f"{least + MORE:.4f}, {MORE:.2f} above a {what}",
            score >= least + MORE,
        )
        for what, least in plain.items()
    ]
    ours = "no membrane, answer or clock differs" if exact(core) else "differences"
    return [*found, Goal("core in simulation", ours, "none differs", exact(core))]


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
        Part("TrafficLeak", with_core, (CONFIG,), partial(depends_on, CONFIG)),
        Part("control, outputs by EMD", by_emd, (EMD,), partial(depends_on, EMD)),
        Part("nearest neighbours", nearest, (CONFIG,), partial(depends_on, CONFIG)),
    ),
    goals=goals,
)
