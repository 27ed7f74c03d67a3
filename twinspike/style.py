"""One look for all figures: SVG that takes the page's colours, and PNG on white."""

import dataclasses
import io
import re
from pathlib import Path

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinspike.numerics.files import write_atomically

# Drawn in these, replaced in the SVG by what the page defines for light and dark.
INK, MUTED, ACCENT, SECOND = "#16181d", "#6b7280", "#2563eb", "#c2570c"
_PAGE_COLOURS = {INK: "currentColor", MUTED: "var(--muted)", ACCENT: "var(--accent)", SECOND: "var(--second)"}
# Images are baked in: a mid blue whose transparency carries the value suits light and dark.
_SHADE = (0.22, 0.50, 0.95)
# Ten classes, distinguishable on light and dark; their labels are written beside the points.
CLASS_COLOURS = (
    "#4c78d8", "#e0802b", "#2f9e6e", "#d1495b", "#8a63c9", "#97694f", "#d873b5", "#7f858f",
    "#a8a432", "#27a3b8",
)  # fmt: skip
WIDTH = 4.9  # inches; the page scales it from a phone's width to a column of text

_SETTINGS = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.5,
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure of the report: its name, its text for screen readers, and the SVG for the page."""

    name: str
    alt: str
    svg: Markup


def new_figure(height: float, width: float = WIDTH, layout: str = "constrained") -> Figure:
    """An empty figure of `height` inches; draw on it inside `with figure_style()`."""
    return Figure(figsize=(width, height), layout=layout)


def figure_style():
    """The settings that every figure is drawn with, as a context manager."""
    return matplotlib.rc_context(_SETTINGS)


def finish(figure: Figure, name: str, alt: str, folder: Path) -> Picture:
    """Write ``<name>.png`` into `folder` and give the SVG for the page."""
    with figure_style():
        png, svg = io.BytesIO(), io.StringIO()
        if figure.get_layout_engine() is not None:
            # Laid out once for both: the layout is the slow part.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        figure.savefig(png, format="png", dpi=180, facecolor="white")
        matplotlib.rcParams["svg.hashsalt"] = name
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    write_atomically(folder / f"{name}.png", png.getvalue())
    return Picture(name, alt, _inline(svg.getvalue(), name, alt))


def shaded(axes: Axes, values, *, most: float | None = None, **options):
    """An image of non-negative values: the larger, the more opaque; full at `most`."""
    shade = matplotlib.colors.LinearSegmentedColormap.from_list("shade", [(*_SHADE, 0.0), (*_SHADE, 0.95)])
    most = most or max(1e-9, float(values.max()))
    defaults = {"cmap": shade, "vmin": 0, "vmax": most, "interpolation": "none", "aspect": "auto"}
    return axes.imshow(values, **(defaults | options))


def _inline(svg: str, name: str, alt: str) -> Markup:
    svg = svg[svg.index("<svg") :]
    # Several figures share one document: ids must differ, and none may name an outside address.
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id=")', rf"\g<1>{name}-", svg)
    svg = re.sub(r'(url\(#|xlink:href="#)', rf"\g<1>{name}-", svg)
    svg = svg.replace("xlink:href", "href")
    svg = (
        re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', "", svg[: svg.index(">")])
        + svg[svg.index(">") :]
    )
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    for colour, page in _PAGE_COLOURS.items():
        svg = svg.replace(colour, page)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{Markup.escape(alt)}"', 1))
