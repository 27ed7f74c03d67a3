"""What tables are filled with from results/flows.json: cores on families that they are not placed for."""

from twinspike.hw.tools.flows import FLOWS

from .tables import Figures, table


def flows(figures: Figures, where: str) -> str:
    """Every core in every flow: cells, and the memories that no RAM took."""
    head = (
        "configuration",
        "family, command",
        "LUTs",
        "flip-flops",
        "block RAMs",
        "LUT RAMs",
        "multipliers",
        "written memories in flip-flops",
        "read-only memories in tables",
    )
    rows = []
    for row in figures.studies.get("flows", {"rows": []})["rows"]:
        flow = FLOWS[row["flow"]]
        rows.append(
            [
                f"`{row['config']}`",
                f"{flow.title}, `{flow.command.split()[0]}`",
                f"{row['luts']:,.0f}",
                f"{row['flipflops']:,.0f}",
                f"{row['ram_blocks']:g} {flow.ram_block}",
                f"{row['lut_rams']:,.0f}" if flow.counted["lut_rams"] else "has none",
                f"{row['dsp']:g}",
                _bits(row["in_registers"]),
                _bits(row["in_tables"]),
            ]
        )
    return table(head, rows)


def toolflows(figures: Figures, where: str) -> str:
    """Other ways from a trained spiking network to an FPGA."""
    rows = [
        [f"[{tool['design']}]({tool['source']}), {tool['year']}", tool["what"], tool["unlike"]]
        for tool in figures.peers["toolflows"]
    ]
    return table(("tool", "what it makes", "how it differs"), rows)


def _bits(memories: dict[str, int]) -> str:
    return f"{len(memories)}, of {sum(memories.values()):,} bits" if memories else "none"


FILLS = (flows, toolflows)
