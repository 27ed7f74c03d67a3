"""What an image costs by part, for the documents."""

from .tables import NOT_YET, Figures, table


def energy_parts(figures: Figures, where: str) -> str:
    """Changes of bits in each part while images go through, and that share of the modelled energy."""
    rows = []
    for name, found in figures.studies.get("energy", {}).get("configurations", {}).items():
        device, whole = next(iter(found["modelled_uj"].items()), ("", None))
        for place, part in enumerate(found["parts"]):
            cost = "–" if whole is None else f"{whole * part['share']:.3g}"
            rows.append(
                [
                    "" if place else f"`{name}`, {found['images']} images",
                    part["part"],
                    f"{part['changes_per_image']:,.0f}",
                    f"{part['share']:.1%}",
                    cost if not device else f"{cost} ({device})",
                ]
            )
    head = (
        "configuration",
        "part",
        "bits that change per image",
        "share",
        "modelled energy, µJ per image",
    )
    return table(head, rows)


def energy_shares(figures: Figures, where: str) -> str:
    """What the shares are made of."""
    return figures.studies.get("energy", {}).get("shares", NOT_YET)


FILLS = (energy_parts, energy_shares)
