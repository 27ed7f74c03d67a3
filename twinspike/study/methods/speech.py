"""Spoken words by dilated convolutions of spikes over time and frequency, with few spikes."""

import numpy as np

from twinspike.config import Config, load_config
from twinspike.executor import Workplace
from twinspike.model.data.dataset import Dataset
from twinspike.quant.network import Network

from .cores import core_figures, core_goal
from .method import Goal, Method, Row
from .training import part, trained, with_changes

WORDS, DIGITS = "speech", "speech-digits"
WANTED, MOST = 0.92, 0.05
# Beside the digits' published split, the configuration's: those that leave out one of these speakers.
SPEAKERS = (0, 1, 2, 3)
KEYWORDS, NO_LEAK, NO_PRICE = "keywords", "keywords, no leak", "control, keywords, spikes cost nothing"
SPOKEN_DIGITS = "digits, published split"


def spoken(place: Workplace, name: str, variant: str = "", fold: int | None = None) -> Row:
    """A configuration's figures, how often its neurons fire and, as it ships, those of its core.

    `fold`: another split than the configuration's.
    """
    config = variants(name)[variant]
    if fold is not None:
        config = config.changed(f"{config.name}-{fold}", data={"fold": fold})
    network, dataset, row = trained(place, config)
    row |= rates(network, dataset)
    ships = not variant and fold is None
    return row | ({"core": core_figures(place, config, network, dataset.test_images)} if ships else {})


def variants(name: str) -> dict[str, Config]:
    """The configuration as it ships, without leak in hidden layers, and without a price of spikes."""
    shipped = load_config(name)
    convolutions = [{"leak_shift": 0} if layer.kind == "conv" else {} for layer in shipped.layers]
    return {
        "": shipped,
        NO_LEAK: with_changes(name, "no-leak", {"layers": convolutions}),
        NO_PRICE: with_changes(name, "no-price", {"training": {"activity_weight": 0.0}}),
    }


def rates(network: Network, dataset: Dataset) -> Row:
    """Spikes of a neuron and step in the test recordings: the mean of hidden neurons, and of each layer."""
    from twinspike.model.outcome.evaluation import embed

    spikes = embed(network, dataset.test_images, progress=False).spikes.mean(axis=0)[1:]
    hidden = [
        (float(count), layer.neurons * network.timesteps)
        for count, layer in zip(spikes, network.layers[:-1], strict=False)
        if layer.synapses.fires
    ]
    mean = sum(count for count, _ in hidden) / sum(places for _, places in hidden)
    return {"rate": mean, "rates": [count / places for count, places in hidden]}


def goals(parts: dict[str, Row]) -> list[Goal]:
    words, still, digits = (parts[name] for name in (KEYWORDS, NO_LEAK, SPOKEN_DIGITS))
    strangers = float(np.mean([parts[_without(speaker)]["accuracy"] for speaker in SPEAKERS]))
    return [
        _accurate(f"accuracy on {words['test']} keywords of other speakers", words["accuracy"]),
        _sparse("spikes of a hidden neuron and step, keywords", words["rate"]),
        Goal(
            "accuracy on the keywords, with a leak",
            f"{words['accuracy']:.4f}",
            f"above {still['accuracy']:.4f}, without",
            words["accuracy"] > still["accuracy"],
        ),
        _accurate(f"accuracy on {digits['test']} digits, published split", digits["accuracy"]),
        _sparse("spikes of a hidden neuron and step, digits", digits["rate"]),
        _accurate(f"accuracy on digits, mean of {len(SPEAKERS)} speakers left out in turn", strangers),
        core_goal(words["core"]),
        core_goal(digits["core"], what="core for digits in simulation"),
    ]


def _accurate(what: str, score: float) -> Goal:
    return Goal(what, f"{score:.4f}", f"{WANTED:.2f}", score >= WANTED)


def _sparse(what: str, rate: float) -> Goal:
    return Goal(what, f"{rate:.2%}", f"below {MOST:.0%}", rate < MOST)


def _without(speaker: int) -> str:
    return f"digits, speaker {speaker + 1} left out"


METHOD = Method(
    name="speech",
    title="Spoken words by dilated convolutions of few spikes",
    arxiv=("2011.06846",),
    implemented="three convolutions over time and frequency, dilated further from layer to layer, causal in "
    "time (fixed delays before a convolution over bands); leaky neurons; an output layer whose currents, "
    "summed over time, answer, as the paper's mean over time does; half the mean square of each layer's "
    "spikes as a price (`activity_price = squares`); surrogate gradients, which is the paper's rule, so the "
    "controls are the same network without leak and without the price",
    missing="leaks and thresholds that learn as real numbers (a fixed shift; integer thresholds of each "
    "channel here); resets by products of weights between channels; spectrograms and their derivatives as "
    "real-valued input (level crossings of mel bands, which are spikes, here); three layers of 64 channels "
    "on all bands (16 and 32 on every fourth here); Google's speech commands, which were not at hand",
    data="Arabic keywords: 1,800 recordings to train, 600 of other speakers to measure, 33 steps of 30 ms. "
    "Free Spoken Digit Dataset: 2,700 recordings to train, 300 of the same speakers to measure, as "
    "published, or 2,500 of five speakers and 500 of the sixth; 24 steps, sounds stretched to equal length",
    paper_figure="5.5% errors on Google's speech commands (version 1), an activity below 5% (abstract)",
    parts=(
        part(KEYWORDS, spoken, WORDS),
        part(NO_LEAK, spoken, WORDS, NO_LEAK),
        part(NO_PRICE, spoken, WORDS, NO_PRICE),
        part(SPOKEN_DIGITS, spoken, DIGITS),
        *(part(_without(speaker), spoken, DIGITS, "", speaker) for speaker in SPEAKERS),
    ),
    goals=goals,
)
