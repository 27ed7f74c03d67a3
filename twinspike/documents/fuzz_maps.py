"""What docs/reliability.md is filled with about the fuzzing of networks on feature maps."""

from .tables import NOT_YET, Figures, table


def fuzzing_maps(figures: Figures, where: str) -> str:
    """What random networks on maps were compared with the golden model, and the kinds that they had."""
    found = figures.studies.get("fuzz_maps")
    if found is None:
        return NOT_YET

    def number(key: str) -> str:
        return f"{found.get(key, 0):,}"

    drawn = found.get("coverage", {})
    kinds = [f"{kind} {count:,}" for kind, count in sorted(drawn.get("kind", {}).items())]
    kinds += [
        f"{name} {drawn[name]['yes']:,}"
        for name in ("hold", "forget", "weights_of", "sources")
        if name in drawn
    ]
    graded = sum(count for bits, count in drawn.get("graded", {}).items() if bits != "0")
    rows = [
        ["networks, in so many cores", f"{number('networks')}, {number('cases')}"],
        [
            "of these in Icarus Verilog; in wide cores",
            f"{number('networks_icarus')}; {drawn.get('core', {}).get('wide', 0):,}",
        ],
        ["frames, all spikes and results compared", number("frames")],
        ["spikes compared", number("spikes_compared")],
        ["frames whose result came in the predicted clock", number("frames_on_time")],
        ["frames that the scalar interpreter computed too", number("scalar_frames")],
        [
            "frames of hostile streams, of which damaged",
            f"{number('hostile_frames')}, {number('damaged_frames')}",
        ],
        ["VALUE words in them; networks with multiplicities", f"{number('values')}; {graded:,}"],
        ["layers of each kind, and with each key", ", ".join(kinds)],
    ]
    return table(("compared", "number"), rows)


def refused_maps(figures: Figures, where: str) -> str:
    """Networks of which no core can be made, by the reason, numbers in it left out."""
    found = figures.studies.get("fuzz_maps")
    if found is None:
        return NOT_YET
    rows = [[reason, f"{count:,}"] for reason, count in sorted(found.get("refused", {}).items(), key=_most)]
    return table(("no core, because", "networks"), rows)


def _most(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


FILLS = (fuzzing_maps, refused_maps)
