"""Tables about boards and the link for the documents."""

from twinspike.tables import Figures, table


def boards(figures: Figures, where: str) -> str:
    """The boards that bitstreams are made for."""
    from twinspike.hw.boards import BOARDS

    rows = [
        [f"`{b.name}`", b.title, b.device.title.split(",")[0], f"{b.clock_mhz:g} MHz", b.line]
        for b in BOARDS.values()
    ]
    return table(("`BOARD`", "board", "device", "clock of the core", "serial port"), rows)


def board_pins(figures: Figures, where: str) -> str:
    """Serial pins and lights of each board, as amaranth-boards has them."""
    from twinspike.hw.boards import BOARDS

    rows = []
    for board in BOARDS.values():
        platform = board.make_platform()
        serial = {io.name: " ".join(io.ios[0].names) for io in platform.lookup("uart", 0).ios if io.ios}
        lights = ", ".join(f"{name}{n} {part}".strip() for _, name, n, part in board.lights)
        rows.append([f"`{board.name}`", serial["rx"], serial["tx"], lights or "none"])
    return table(("`BOARD`", "pin that receives", "pin that sends", "lights: ready, active"), rows)


def board_figures(figures: Figures, where: str) -> str:
    """What was placed and routed, from results/boards.json."""
    rows = []
    for name, builds in figures.studies.get("boards", {}).items():
        for config, made in builds.items():
            rows.append(
                [
                    f"`{name}`",
                    f"`{config}`",
                    f"{made['logic_cells']:,} of {made['logic_cells_available']:,}",
                    f"{made['ram_blocks']} of {made['ram_blocks_available']}",
                    f"{made['spram']} of {made['spram_available']}" if made["spram_available"] else "none",
                    str(made["slots"]),
                    f"{made['clock_mhz']:g} MHz",
                    " / ".join(f"{value:.1f}" for value in made["fmax_mhz"]) + " MHz",
                ]
            )
    titles = (
        "board",
        "configuration",
        "logic cells",
        "block RAMs",
        "SPRAM",
        "slots",
        "clock",
        "reached, by seed",
    )
    return table(titles, rows)


def link_requests(figures: Figures, where: str) -> str:
    """The requests of the link."""
    from twinspike.numerics.link import PAYLOADS

    rows = [[str(int(op)), f"`{op.name}`", *PAYLOADS[op]] for op in PAYLOADS]
    return table(("number", "request", "payload", "the answer's payload"), rows)


def link_reasons(figures: Figures, where: str) -> str:
    """Why the device refuses a request."""
    from twinspike.numerics.link import REASONS, REFUSED, Reason

    rows = [[f"`0x{REFUSED | r:02x}`", Reason(r).name, text] for r, text in REASONS.items()]
    return table(("kind", "reason", "meaning"), rows)


def link_record(figures: Figures, where: str) -> str:
    """The registers of which a frame's record consists."""
    from twinspike.hw.link_plan import RECORD_FIRST, RECORD_LAST
    from twinspike.hw.registers import REGISTERS

    names = [register.name for register in REGISTERS]
    part = names[names.index(RECORD_FIRST) : names.index(RECORD_LAST) + 1]
    return ", ".join(f"`{name}`" for name in part)


FILLS = (boards, board_pins, board_figures, link_requests, link_reasons, link_record)
