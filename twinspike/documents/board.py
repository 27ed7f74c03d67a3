"""Tables about boards and the link for the documents."""

from twinspike.documents.tables import Figures, table


def boards(figures: Figures, where: str) -> str:
    """The boards that bitstreams are made for."""
    from twinspike.hw.board.boards import BOARDS

    rows = [
        [f"`{b.name}`", b.title, b.device.title.split(",")[0], f"{b.clock_mhz:g} MHz", b.line]
        for b in BOARDS.values()
    ]
    return table(("`BOARD`", "board", "device", "clock of the core", "serial port"), rows)


def board_pins(figures: Figures, where: str) -> str:
    """Serial pins and lights of each board, as amaranth-boards has them."""
    from twinspike.hw.board.boards import BOARDS

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


def _simulated(figures: Figures):
    """(board, configuration, figures) of each board in simulation, from results/sim_board.json."""
    for name, configs in figures.studies.get("sim_board", {}).items():
        for config, made in configs.items():
            yield name, config, made


def board_checks(figures: Figures, where: str) -> str:
    """Answers compared, and how classes that training left out are told apart."""
    rows = []
    for name, config, made in _simulated(figures):
        start = [f"`{name}`", f"`{config}`", f"{made['answers']:,}", str(made["different"])]
        for row in made["new_classes"]:
            each = ", ".join(f"{label}: {f1:.3f}" for label, f1 in row["f1"].items())
            figures_of = f"{row['macro_f1']:.3f} / {row['accuracy']:.3f}"
            rows.append([*start, str(row["examples"]), each, figures_of, str(row["images"])])
        if not made["new_classes"]:
            rows.append([*start, *["–"] * 4])
    titles = (
        "board",
        "configuration",
        "answers compared",
        "differ",
        "images of each new class",
        "F1 of the new classes",
        "all classes: macro-F1 / accuracy",
        "images classified",
    )
    return table(titles, rows)


def board_speeds(figures: Figures, where: str) -> str:
    """Images a second of boards in simulation, and what bounds them."""
    rows = []
    for name, config, made in _simulated(figures):
        for speed in made["speeds"]:
            bytes_each = f"{speed['bytes_out']:.0f} / {speed['bytes_in']:.0f}"
            rows.append(
                [
                    f"`{name}`, {made['clock_mhz']:g} MHz",
                    f"`{config}`",
                    speed["encoding"],
                    *(f"{speed[f'{part}per_second']:,.0f}" for part in ("", "line_", "core_", "device_")),
                    speed["bound"],
                    bytes_each,
                ]
            )
    titles = (
        "board",
        "configuration",
        "sent as",
        "images per second",
        "line allows",
        "core allows",
        "core, then answer",
        "bound by",
        "bytes out / in",
    )
    return table(titles, rows)


def board_streams(figures: Figures, where: str) -> str:
    """Recordings streamed to boards in simulation at their own pace."""
    titles = (
        "board",
        "configuration",
        "recordings",
        "seconds",
        "answers",
        "differ",
        "latest answer, seconds behind",
    )
    rows = [
        [
            f"`{name}`",
            f"`{config}`",
            f"{found['recordings']:,}",
            f"{found['seconds']:.1f}",
            f"{found['answers']:,}",
            f"{found['different']:,}",
            f"{found['behind']:.2f}",
        ]
        for name, config, made in _simulated(figures)
        if (found := made.get("streamed"))
    ]
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
    from twinspike.hw.bus.registers import REGISTERS
    from twinspike.hw.link.plan import RECORD_FIRST, RECORD_LAST

    names = [register.name for register in REGISTERS]
    part = names[names.index(RECORD_FIRST) : names.index(RECORD_LAST) + 1]
    return ", ".join(f"`{name}`" for name in part)


FILLS = (
    boards,
    board_pins,
    board_figures,
    board_checks,
    board_speeds,
    board_streams,
    link_requests,
    link_reasons,
    link_record,
)
