"""Badges of the README: what they say is read from the project and from results/, nothing is fetched."""

import html
import re
import tomllib
from pathlib import Path
from typing import Any

from twinspike import __version__
from twinspike.numerics.errors import TwinspikeError

from .tables import Figures

_CHARACTER, _PAD, _HEIGHT = 6.6, 9, 20
_GREY, _BLUE, _GREEN, _RED = "#4a5263", "#2563c9", "#2e7d4f", "#b3261e"


def badges(figures: Figures, pyproject: Path) -> dict[str, str]:
    """File name -> SVG, for the project that the file `pyproject` describes."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    versions = [line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)]
    made = {
        "badge-licence.svg": _badge("licence", project["license"], _BLUE),
        "badge-python.svg": _badge("Python", f"{versions[0]} to {versions[-1]}", _BLUE),
        "badge-version.svg": _badge("version", __version__, _BLUE),
    }
    compared, different = exactness(figures.records.values())
    if compared:
        colour = _RED if different else _GREEN
        made["badge-exactness.svg"] = _badge("spikes that differ", f"{different} of {compared:,}", colour)
    return made


def exactness(records: Any) -> tuple[int, int]:
    """Spikes of recorded networks that were compared between torch, golden model and RTL; and that differ."""
    compared = different = 0
    for record in records:
        compared += record["torch_golden_compared"] + sum(run["spikes_compared"] for run in record["sim"])
        different += record["torch_golden_mismatches"] + sum(run["mismatches"] for run in record["sim"])
    if different < 0 or compared < different:
        raise TwinspikeError("results/: more spikes differ than were compared: make results writes them")
    return compared, different


def _badge(left: str, right: str, colour: str) -> str:
    widths = [len(text) * _CHARACTER + 2 * _PAD for text in (left, right)]
    first, total = widths[0], sum(widths)
    centres = ((left, first / 2), (right, first + widths[1] / 2))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total:.0f}" height="{_HEIGHT}" role="img" '
        f'aria-label="{html.escape(left)}: {html.escape(right)}">\n'
        f'<rect width="{total:.1f}" height="{_HEIGHT}" rx="3" fill="{_GREY}"/>'
        f'<path d="M{first:.1f} 0H{total - 3:.1f}a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3H{first:.1f}z" '
        f'fill="{colour}"/>\n'
        f'<g fill="#fff" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11" text-anchor="middle">'
        f"{''.join(_centred(*pair) for pair in centres)}</g>\n</svg>\n"
    )


def _centred(text: str, x: float) -> str:
    return f'<text x="{x:.1f}" y="14" textLength="{len(text) * _CHARACTER:.1f}">{html.escape(text)}</text>'
