"""A block diagram of a core, drawn from its plan: what an event passes, with sizes and memories."""

import dataclasses
from html import escape

from twinspike.hw.plan import CorePlan, LayerPlan
from twinspike.quant.sizes import size

_WIDTH, _HEIGHT, _GAP, _LEFT = 290, 46, 26, 120
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1a1f27}.small{font-size:10.5px;fill:#4a5568}"
    ".block{fill:#eef2fb;stroke:#3a5a9b}.memory{fill:#fbf3e2;stroke:#a07020}"
    ".wire{fill:none;stroke:#3a5a9b;stroke-width:1.4;marker-end:url(#tip)}"
)


@dataclasses.dataclass(frozen=True)
class Block:
    """A box of the main path: its title, what stands below it, and its memory, if it has one."""

    title: str
    text: str
    memory: str = ""


def blocks(plan: CorePlan) -> list[Block]:
    """What an event passes from the input to the result, in order."""
    network = plan.network
    checks = "addresses, TICKs and tlast checked" + (", duplicates flagged" if plan.check_duplicates else "")
    found = [Block("ingress", checks)]
    if plan.step_timer:
        found.insert(0, Block("step timer", "makes TICKs by the clock"))
    for index, layer in enumerate(plan.layers):
        for relay in plan.before(index):
            found.append(Block(relay.layer.synapses.kind, f"{relay.layer.synapses.inputs} places in"))
        found.append(_layer(index, layer))
        if not plan.wide:
            found.append(Block("queue, encoder", f"spike words of {layer.lanes} neurons, then addresses"))
    found.append(_readout(plan, network.readout))
    return found


def _layer(index: int, layer: LayerPlan) -> Block:
    kind = layer.layer.synapses.kind
    bits = layer.weight_words * layer.weight_word_bits * layer.weight_copies
    sources = layer.layer.sources
    behind = f", of {', '.join(map(str, sources))}" if len(sources) > 1 else ""
    return Block(
        f"layer {index}: {kind}{behind}",
        f"{size(layer.layer.shape)} neurons, {layer.lanes} lanes, v of {layer.layer.spec.state_bits} bits",
        f"weights: {bits:,} bits of {layer.memory}" if bits else f"weights: those of layer {layer.lender}",
    )


def _readout(plan: CorePlan, kind: str) -> Block:
    outputs = f"{plan.network.outputs} outputs"
    if plan.slots:
        return Block(
            "readout: EMD", f"{outputs}, nearest of {plan.slots} slots", "slots, enrolled at run time"
        )
    if plan.references:
        return Block("readout: EMD", f"{outputs}, nearest reference", f"{plan.references} references")
    return Block(f"readout: {kind}", f"{outputs}, the largest wins")


def block_diagram(plan: CorePlan, name: str) -> str:
    """An SVG: ports at the ends, blocks below each other, memories to the right."""
    shown = blocks(plan)
    step = _HEIGHT + _GAP
    height = _GAP + (len(shown) + 2) * step
    middle = _LEFT + _WIDTH // 2
    parts = [_text(middle, _GAP + 18, "s_axis" + (" (s_load: weights)" if plan.loads else ""))]
    for place, block in enumerate(shown):
        top = _GAP + (place + 1) * step - 20
        parts += [
            f'<path class="wire" d="M{middle} {top - _GAP} V{top - 2}"/>',
            f'<rect class="block" x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="4"/>',
            _text(middle, top + 19, block.title),
            _text(middle, top + 35, block.text, "small"),
        ]
        if block.memory:
            left = _LEFT + _WIDTH + 30
            parts += [
                f'<path class="wire" d="M{left} {top + 23} H{_LEFT + _WIDTH + 2}"/>',
                f'<rect class="memory" x="{left}" y="{top + 8}" width="215" height="30" rx="3"/>',
                _text(left + 107, top + 27, block.memory, "small"),
            ]
    end = _GAP + (len(shown) + 1) * step - 20
    last = end - step + 12
    parts += [
        f'<path class="wire" d="M{middle} {end - _GAP} V{end - 2}"/>',
        _text(middle, end + 14, "m_result"),
        f'<path class="wire" d="M{_LEFT} {last} H{_LEFT - 30}"/>',
        _text(_LEFT - 70, last + 4, "m_axis"),
    ]
    width = _LEFT + _WIDTH + 265
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height - step + 40}" role="img">'
        f"<title>{escape(f'{name}, network {plan.network.name}')}</title><style>{_STYLE}</style>"
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="6" refY="3" orient="auto">'
        '<path d="M0 0 L6 3 L0 6 z" fill="#3a5a9b"/></marker></defs>' + "".join(parts) + "</svg>\n"
    )


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="middle"{style}>{escape(text)}</text>'
