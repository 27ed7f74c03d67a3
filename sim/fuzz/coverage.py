"""What a case exercises of the legal space, for the counts that a campaign keeps."""

from .case import Case
from .map_cases import map_coverage


def coverage(case: Case) -> list[tuple[str, str]]:
    """What a network exercised: (option, value) pairs, those of the layers once per layer."""
    pairs = [
        ("layers", str(len(case.layers))),
        ("core", _core(case)),
        ("activity", case.activity),
        ("timesteps", _decade(case.timesteps)),
        ("references", _decade(case.references)),
        ("membrane", str(case.membrane and not case.references)),
        ("inputs", _decade(case.inputs)),
    ]
    if case.shape:
        pairs += map_coverage(case)
    for layer in case.layers:
        pairs += [
            ("neurons", _decade(layer.neurons)),
            ("lanes_divide", str(layer.neurons % layer.lanes == 0)),
            *(
                (name, str(getattr(layer, name)))
                for name in (
                    "weight_bits",
                    "leak_shift",
                    "reset",
                    "single_spike",
                    "weights",
                    "thresholds",
                    "biases",
                )
            ),
        ]
    return pairs


def _core(case: Case) -> str:
    return "wide" if case.options.get("events_per_clock") else str(case.options["target"])


def _decade(number: int) -> str:
    """Range of powers of four in which a number lies: "4..15"."""
    if number == 0:
        return "0"
    low = 1
    while low * 4 <= number:
        low *= 4
    return f"{low}..{4 * low - 1}"
