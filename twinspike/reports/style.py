"""One look for all figures with axes: SVG that takes the page's colours, light or dark."""

import dataclasses
import io
import re
from typing import Any, Literal

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

# Drawn in these, replaced in the SVG by what the page defines for light and dark.
INK, MUTED, ACCENT, SECOND = "#16181d", "#6b7280", "#2563eb", "#c2570c"
# Ten classes in the order of Paul Tol's "muted" scheme, which colour-blind people can tell apart.
CLASS_COLOURS = tuple(f"#c1a55{n}" for n in range(10))
_PAGE_COLOURS = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
    **{colour: f"var(--class{n})" for n, colour in enumerate(CLASS_COLOURS)},
}
WIDTH = 3.8  # inches: about a phone's width, so that letters keep their size there

_SETTINGS: dict[Any, Any] = {
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
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.4,
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure of the report: its name, its text for screen readers, and the SVG for the page."""

    name: str
    alt: str
    svg: Markup


def new_figure(
    height: float, width: float = WIDTH, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """An empty figure of `height` inches; draw on it inside `with figure_style()`."""
    return Figure(figsize=(width, height), layout=layout)


def figure_style():
    """The settings that every figure is drawn with, as a context manager."""
    return matplotlib.rc_context(_SETTINGS)


def finish(figure: Figure, name: str, alt: str) -> Picture:
    """The figure as SVG for the page."""
    svg = io.StringIO()
    with figure_style():
        matplotlib.rcParams["svg.hashsalt"] = name
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    return Picture(name, alt, _inline(svg.getvalue(), name, alt))


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
    svg = re.sub(r"font: (\d{3} )?([\d.]+)px [^;\"]*", _font, svg)
    for colour, page in _PAGE_COLOURS.items():
        svg = svg.replace(colour, page)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{Markup.escape(alt)}"', 1))


def _font(found: re.Match[str]) -> str:
    """The page's own font in the figure's weight and size."""
    return (f"font-weight: {found[1].strip()}; " if found[1] else "") + f"font-size: {found[2]}px"
