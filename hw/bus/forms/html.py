"""The register map as one page for a browser, which needs nothing beside it."""

from html import escape

from ...plan import CorePlan
from ..fields import ACCESS
from . import fields

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1a1f27}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #ccd;padding:.25em .6em;text-align:left;vertical-align:top}"
    "th{background:#eef}h2{margin:1.6em 0 .4em}code{font-size:95%}nav{columns:3}"
)


def registers_html(plan: CorePlan, name: str) -> str:
    """A heading and a table for each register: bits, field, access, value or reset, meaning."""
    title = escape(f"Registers of {name}, network {plan.network.name}")
    lines = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        "<p>32-bit registers at byte offsets, little-endian.",
        "What is not named reads as zero and ignores writes.</p>",
        "<nav>",
        *(f'<a href="#{r.name}"><code>0x{r.offset:02x} {r.name}</code></a><br>' for r, _ in fields(plan)),
        "</nav>",
        "<dl>",
        *(f"<dt><code>{key}</code></dt><dd>{escape(text)}</dd>" for key, text in ACCESS.items()),
        "</dl>",
    ]
    for register, held in fields(plan):
        lines += [
            f'<h2 id="{register.name}"><code>0x{register.offset:02x}</code> {register.name}</h2>',
            *([f"<p>{escape(register.note)}</p>"] if register.note else []),
            "<table><tr><th>bits</th><th>field</th><th>access</th>",
            "<th>value or reset</th><th>meaning</th></tr>",
        ]
        for field, reset in held:
            value = "" if reset is None else f"0x{reset:x}"
            cells = (field.bits, field.name, field.access, value, field.meaning)
            lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
        lines.append("</table>")
    return "\n".join([*lines, "</body></html>"]) + "\n"
