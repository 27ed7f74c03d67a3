"""The drawing of the data flow: one image on its way through a shipped network, its spikes as computed."""

import dataclasses
import html
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np

from twinspike.numerics import emd
from twinspike.quant.network_file import load_network
from twinspike.sim.golden import run

SHIPPED = "mnist"
_WIDTH, _HEIGHT = 960, 424
_INK, _SOFT, _LINE, _CARD, _PANEL = "#1c2333", "#5a6478", "#c6ccd8", "#ffffff", "#f2f5fa"
_BLUE, _ORANGE = "#2563c9", "#c2571a"
# A two of 8 x 8 pixels, enlarged: the drawing needs no data set.
_GLYPH = ("..####..", ".##..##.", ".....##.", "....##..", "...##...", "..##....", ".##.....", ".######.")
_ROWS = 64  # neurons of a raster at most


@dataclasses.dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    title: str
    lines: tuple[str, ...]


def draw_flow() -> str:
    """The drawing as SVG text."""
    return "\n".join(_svg()) + "\n"


def image() -> np.ndarray:
    """The image that is drawn, uint8 [28, 28]."""
    small = np.array([[255 if c == "#" else 0 for c in row] for row in _GLYPH])
    large = np.pad(np.kron(small, np.ones((2, 2), int)), 6)
    # Soft edges, as a scan has them: what is dimmer spikes later.
    near = [np.roll(large, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return (np.sum(near, axis=0) // 9).astype(np.uint8)


def _svg() -> Iterator[str]:
    network = load_network(
        Path(str(resources.files("twinspike.pretrained"))) / SHIPPED / "network.safetensors"
    )
    picture = image()
    spikes = network.encode(picture[None])
    trace = run(network, spikes)
    trains = [spikes[:, 0], *(train[:, 0] for train in trace.spikes)]
    distance = emd.distances(
        np.cumsum(trains[-1], axis=0)[:, None].astype(np.int64), network.references.counts
    )[0]
    answer = int(network.references.labels[int(distance.argmin())])
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">'
    )
    yield "<title>From an image to an answer, and from data to a core</title>"
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="10" fill="{_CARD}"/>'
    yield _text(24, 32, "In the core: events in, spike trains compared with references", weight=600)
    yield from _pixels(picture, 24, 62, 112)
    yield _text(24, 196, "image", soft=True)
    names = ["input events", *(f"layer {i}" for i in range(len(trains) - 1))]
    names[-1] = "embedding"
    x = 176.0
    yield from _arrow(142, 118, x - 8)
    for name, train in zip(names, trains, strict=True):
        yield from _raster(train, x, 62, 150, 112)
        yield _text(x, 196, f"{name} ({int(train.sum())} spikes)", soft=True)
        yield from _arrow(x + 156, 118, x + 178)
        x += 186
    yield from _bars(distance, x, 62, 160, 112)
    yield _text(x, 196, f"EMD to references: a {answer}", soft=True)
    yield f'<line x1="24" x2="{_WIDTH - 24}" y1="222" y2="222" stroke="{_LINE}"/>'
    yield _text(
        24, 252, "On the way there: one file of integers, and nothing in between that rounds", weight=600
    )
    boxes = [
        _Box(24, 274, 156, 76, "your data", ("images, sound, events,", "captures, features")),
        _Box(216, 274, 156, 76, "train", ("torch and Brevitas,", "already in integers")),
        _Box(408, 274, 156, 76, "network file", ("safetensors: integers", "and references")),
        _Box(600, 274, 156, 76, "core", ("Verilog; simulated,", "placed and routed")),
        _Box(792, 274, 144, 76, "board or IP", ("serial, SPI, AXI-Lite,", "Wishbone, FuseSoC")),
    ]
    for box in boxes:
        yield from _box(box)
    for left, right in pairwise(boxes):
        yield from _arrow(left.x + left.width + 6, 312, right.x - 6)
    yield f'<path d="M 294 360 v 14 H 864 v -14" fill="none" stroke="{_ORANGE}" stroke-width="1.6"/>'
    yield _text(
        579,
        396,
        "the same spikes, bit for bit: torch, golden model, RTL, netlist",
        color=_ORANGE,
        middle=True,
    )
    yield "</svg>"


def _text(
    x: float,
    y: float,
    text: str,
    *,
    weight: int = 400,
    soft: bool = False,
    color: str = "",
    middle: bool = False,
) -> str:
    fill = color or (_SOFT if soft else _INK)
    anchor = ' text-anchor="middle"' if middle else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-weight="{weight}" fill="{fill}"{anchor}>{html.escape(text)}</text>'
    )


def _panel(x: float, y: float, width: float, height: float, rx: float = 0) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{rx:g}" fill="{_PANEL}" '
        f'stroke="{_LINE}"/>'
    )


def _pixels(picture: np.ndarray, x: float, y: float, side: float) -> Iterator[str]:
    cell = side / len(picture)
    yield _panel(x, y, side, side)
    for level in np.unique(picture[picture > 0]):
        path = "".join(
            f"M{x + c * cell:g} {y + r * cell:g}h{cell:g}v{cell:g}h-{cell:g}z"
            for r, c in np.argwhere(picture == level)
        )
        yield f'<path d="{path}" fill="{_INK}" fill-opacity="{level / 255:.2f}"/>'


def _raster(train: np.ndarray, x: float, y: float, width: float, height: float) -> Iterator[str]:
    """Spikes bool [T, neurons] over time, of neurons that spike: of many of them evenly spread ones."""
    busy = np.flatnonzero(train.any(axis=0))
    shown = busy[np.linspace(0, len(busy) - 1, min(_ROWS, len(busy))).astype(int)] if len(busy) else busy
    across, down = width / len(train), (height - 6) / max(1, len(shown) - 1)
    yield _panel(x, y, width, height)
    for step in range(1, len(train)):
        at = x + step * across
        yield (
            f'<line x1="{at:g}" x2="{at:g}" y1="{y:g}" y2="{y + height:g}" stroke="{_LINE}" '
            f'stroke-width=".5"/>'
        )
    path = "".join(
        f"M{x + (step + 0.3) * across:.1f} {y + 3 + row * down:.1f}h{0.4 * across:.1f}"
        for row, neuron in enumerate(shown)
        for step in np.flatnonzero(train[:, neuron])
    )
    yield f'<path d="{path}" stroke="{_BLUE}" stroke-width="2.4"/>'


def _bars(distance: np.ndarray, x: float, y: float, width: float, height: float) -> Iterator[str]:
    yield _panel(x, y, width, height)
    pitch, nearest = (width - 12) / len(distance), int(distance.argmin())
    for index, value in enumerate(distance):
        tall = (height - 30) * float(value) / float(distance.max())
        left, wide = x + 8 + index * pitch, pitch - 5
        colour = _ORANGE if index == nearest else _BLUE
        yield (
            f'<rect x="{left:.1f}" y="{y + height - 16 - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}" '
            f'fill="{colour}"/>'
        )
        yield (
            f'<text x="{left + wide / 2:.1f}" y="{y + height - 4:g}" font-size="10" text-anchor="middle" '
            f'fill="{_SOFT}">{index}</text>'
        )


def _box(box: _Box) -> Iterator[str]:
    yield _panel(box.x, box.y, box.width, box.height, rx=6)
    yield _text(box.x + 12, box.y + 25, box.title, weight=600)
    for number, line in enumerate(box.lines):
        yield _text(box.x + 12, box.y + 45 + 17 * number, line, soft=True)


def _arrow(x: float, y: float, to: float) -> Iterator[str]:
    yield f'<path d="M{x:g} {y:g}H{to:g}m-6 -4l6 4l-6 4" fill="none" stroke="{_SOFT}" stroke-width="1.6"/>'
