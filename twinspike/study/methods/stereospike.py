"""StereoSpike: disparities of a pair of event cameras as potentials of neurons that never fire."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from twinspike.config import Config, config_from_table
from twinspike.executor import Workplace
from twinspike.model.data.stereo import (
    SCENES,
    StereoPair,
    drawn_pair,
    load_stereo,
    pair_events,
    stereo_checksums,
)
from twinspike.numerics.encodings import Spikes
from twinspike.quant.network import Network, References
from twinspike.quant.sizes import sizes
from twinspike.sim import golden
from twinspike.study.matching import block_matching

from .cores import core_figures, core_goal
from .method import Goal, Method, Part, Row
from .training import weights_of

if TYPE_CHECKING:
    from twinspike.model.training.disparity import Views

# Pictures at a third of their size, where disparities are at most MOST pixels; events on the way around a
# circle of RADIUS pixels in STEPS steps, of changes of the logarithm of brightness by THRESHOLD.
SHRINK, STEPS, RADIUS, THRESHOLD, MOST = 3, 8, 1.0, 0.2, 18
# Other thresholds that training sees, since it has few scenes.
TRAINED = (0.15, 0.2, 0.25)
SIZE = (32, 64)
DRAWN = 96
BATCHES = 50
WINDOWS = (3, 5, 7, 9, 11, 13, 15, 17)
SPARSE = 0.10
# The first stride-2 convolution, which goes through hardware by itself, and how many windows of its input.
ENCODER, SIMULATED = 1, 2
MATCHED, CONTROL = "cones and teddy", "control, spikes cost nothing"


def _conv(channels: int, *kernel: int, **keys: object) -> dict[str, object]:
    """A convolution whose map is the input's, but for strides."""
    padding = [size // 2 for size in kernel]
    return {"kind": "conv", "channels": channels, "kernel": list(kernel), "padding": padding} | keys


def configuration(price: float) -> Config:
    """The network and how it is trained; spikes cost `price` times half their mean square."""
    layers = [
        _conv(16, 3, MOST + 1),
        _conv(16, 5, 5, stride=[2, 2]),
        _conv(32, 5, 5, stride=[2, 2]),
        _conv(32, 3, 3),
        {"kind": "upsample", "sources": [2, 3]},
        _conv(16, 3, 3),
        {"kind": "upsample", "sources": [1, 5]},
        _conv(16, 3, 3),
        _conv(1, 3, 3, sources=[0, 7], weight_bits=8, forget=True, leak_shift=0, state_bits=24, norm="none"),
    ]
    training = {
        "epochs": 120,
        "batch_size": 8,
        "learning_rate": 5e-3,
        "initial_bias": 0.0,
        "surrogate_slope": 1.0,
        "activity_price": "squares",
        "activity_weight": price,
    }
    table = {
        "dataset": "./stereo-middlebury",
        "timesteps": STEPS,
        "readout": "membrane",
        "encoder": {"kind": "spikes"},
        "layers": layers,
        "training": training,
        "data": {"size": list(SIZE)},
        "hardware": {"targets": ["ecp5-85k"]},
    }
    return config_from_table("stereospike", table)


def training_pairs() -> list[StereoPair]:
    """The left halves of both scenes and of their mirror images, either way up; drawn disparities."""
    found = []
    for scene in SCENES:
        pair, mirrored = load_stereo(scene, SHRINK)
        width = pair.left.shape[1]
        halves = (pair.columns(0, width // 2), mirrored.columns(width - width // 2, width))
        found += [one for half in halves for one in (half, half.turned())]
    rng = np.random.default_rng(0)
    textures = [picture for pair in found for picture in (pair.left, pair.right)]
    drawn = [drawn_pair(textures[index % len(textures)], MOST, rng) for index in range(DRAWN)]
    # Half of what is seen are scenes, whose disparities are those of things.
    return found * (DRAWN // len(found)) + drawn


def held_out() -> list[StereoPair]:
    """The windows that measure: columns of the right halves of both scenes, from the top to the bottom."""
    found = []
    for scene in SCENES:
        pair, _ = load_stereo(scene, SHRINK)
        height, width = pair.left.shape
        rows = np.linspace(0, height - SIZE[0], -(-height // SIZE[0])).round().astype(int).tolist()
        columns = pair.columns(width - SIZE[1], width)
        found += [StereoPair(*(part[row : row + SIZE[0]] for part in columns)) for row in rows]
    return found


def turned_in(spikes: np.ndarray) -> np.ndarray:
    """Spikes [T, H, W, 4] whose right camera looks half of MOST pixels to the side: disparities around 0."""
    found, half = spikes.copy(), MOST // 2
    found[..., half:, 2:], found[..., :half, 2:] = spikes[..., :-half, 2:], 0
    return found


def measured(place: Workplace, price: float) -> Row:
    """Mean errors of the held-out windows, in pixels, beside what needs no training; rates and the core."""
    from twinspike.model.training.disparity import Scale, train_disparities

    config, scale = configuration(price), Scale(MOST / 2, float(MOST))
    views = seen(training_pairs())
    network, progress = train_disparities(config, views, scale, place.folder, BATCHES, place)
    pairs = held_out()
    spikes = np.stack([turned_in(pair_events(pair, STEPS, RADIUS, THRESHOLD)) for pair in pairs])
    known = np.stack([pair.disparity for pair in pairs])
    counted = ~np.isnan(known)
    counted[:, :, :MOST] = False  # the right window may not have what is seen there
    trace = golden.run(network, network.encode(spikes))
    fires = [layer.synapses.fires for layer in network.layers[:-1]]
    rates = [float(train.mean()) for train, alive in zip(trace.spikes, fires, strict=False) if alive]

    def error(found: np.ndarray) -> float:
        return float(np.abs(found - known)[counted].mean())

    row: Row = {
        "error": error(scale.of_sums(network, spikes)),
        "error_constant": error(
            np.full(known.shape, np.nanmean(views.disparity[: len(views.disparity) // 2]))
        ),
        "pixels": int(counted.sum()),
        "rates": rates,
        "epochs": progress.epoch,
        "train_cpu_seconds": round(progress.cpu_seconds, 1),
        "shape": sizes(network),
        "timesteps": STEPS,
        **weights_of(network),
    }
    if price:
        window = best_window()
        matched = np.stack([by_blocks(pair, window) for pair in pairs])
        row |= {"error_matching": error(matched), "window": window}
        row |= {"core": encoder_figures(place, config, network, trace.spikes[ENCODER - 1])}
    return row


def seen(pairs: list[StereoPair]) -> "Views":
    """What both cameras see of the pairs, at thresholds in turn."""
    from twinspike.model.training.disparity import Views

    spikes = [
        turned_in(pair_events(pair, STEPS, RADIUS, TRAINED[index % len(TRAINED)]))
        for index, pair in enumerate(pairs)
    ]
    return Views(np.stack(spikes), np.stack([pair.disparity for pair in pairs]).astype(np.float32))


def by_blocks(pair: StereoPair, window: int) -> np.ndarray:
    """Block matching on how many events of each kind a pixel has sent."""
    counts = pair_events(pair, STEPS, RADIUS, THRESHOLD).sum(axis=0, dtype=np.int64)
    return block_matching(counts[..., :2], counts[..., 2:], MOST, window)


def best_window() -> int:
    """The window of block matching with the least error on the left halves of both scenes."""
    errors = np.zeros(len(WINDOWS))
    for scene in SCENES:
        pair, _ = load_stereo(scene, SHRINK)
        half = pair.columns(0, pair.left.shape[1] // 2)
        known = ~np.isnan(half.disparity)
        known[:, :MOST] = False
        errors += [np.abs(by_blocks(half, window) - half.disparity)[known].mean() for window in WINDOWS]
    return WINDOWS[int(errors.argmin())]


def encoder_figures(place: Workplace, config: Config, network: Network, spikes: np.ndarray) -> Row:
    """The first stride-2 convolution as a core of its own, on the `spikes` [T, B, inputs] that it sees."""
    layer = dataclasses.replace(network.layers[ENCODER], sources=())
    shape = (STEPS, *network.layers[ENCODER - 1].shape)
    none = References(np.zeros((0, STEPS, layer.neurons), np.uint8), np.zeros(0, np.int32))
    alone = Network("stereospike-encoder", STEPS, Spikes(), shape, (layer,), none, 0, {}, "counts")
    frames = spikes[:, :SIMULATED].transpose(1, 0, 2).reshape(-1, *shape).astype(np.uint8)
    return core_figures(place, config, alone, frames)


def goals(parts: dict[str, Row]) -> list[Goal]:
    mine = parts[MATCHED]
    most = max(mine["rates"])
    return [
        Goal(
            f"mean error of disparity on {mine['pixels']:,} held-out pixels",
            f"{mine['error']:.3f} pixels",
            f"below {mine['error_matching']:.3f}, block matching",
            mine["error"] < mine["error_matching"],
        ),
        Goal(
            "spikes of a neuron and step, the most of all layers",
            f"{most:.1%}",
            f"below {SPARSE:.0%}",
            most < SPARSE,
        ),
        core_goal(mine["core"], what="core of the first encoder layer in simulation"),
    ]


METHOD = Method(
    name="stereospike",
    title="Depth of two event cameras (StereoSpike)",
    arxiv=("2109.13751",),
    implemented="a network of two encoder layers of stride 2, a residual block and a decoder that upsamples "
    "to the nearest, with additions of encoder spikes; both cameras' events as channels of one map; "
    "disparity as the potential of a neuron a pixel that never fires; surrogate gradients, with half the "
    "mean square of spikes as a price (`activity_price = squares`)",
    missing="four encoder layers of up to 512 channels (two of 16 and 32 here), its 5 x 5 kernels "
    "everywhere; intermediate maps of depth; leaks that learn; its scale-invariant loss with gradients (a "
    "smooth absolute error here); MVSEC, which was not at hand; the decoder in hardware. slider_depth, the "
    "other recording at hand, has no disparity to be held against",
    data="Middlebury's cones and teddy at a third of their size, events simulated: left halves, their "
    "mirror images and textures with drawn disparities to train, a part of the right halves to measure; 8 "
    "steps",
    paper_figure="firing rates below 10% by the price, at a minimal cost in accuracy (abstract)",
    parts=(
        Part(MATCHED, measured, (4.0,), stereo_checksums),
        Part(CONTROL, measured, (0.0,), stereo_checksums),
    ),
    goals=goals,
)
