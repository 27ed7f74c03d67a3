"""How many logic cells a core will take: a linear model fitted to real builds.

    logic cells = sum over features of coefficient x value

The features are what the generator's parts consist of (bits of an adder, memories that lie in logic,
references); coefficients are fitted, for each device family, to cores that yosys and nextpnr packed
(`twinspike calibrate`, which keeps the builds and their errors in results/area-<family>.json).
"""

import json
from functools import cache
from importlib import resources
from itertools import pairwise
from math import log2

from amaranth.utils import bits_for

from ...numerics.errors import TwinspikeError
from ..devices import DEVICES
from ..plan import CorePlan
from ..plan.wide import current_bits, references_at_once, total_bits
from ..plan.wide_conv import WideConvPlan
from ..weights.stores import banks
from .placement import place, placed, spram_blocks, wide_conv_memories

COEFFICIENTS = "area.json"


def features(plan: CorePlan) -> dict[str, float]:
    """The model's terms for a core that is planned for a real device: name -> value."""
    memories = placed(plan)
    found = {
        "core": 1.0,
        "layers": float(len(plan.layers)),
        "tables": memories["tables"],
        "registers": memories["registers"],
        "lut rams": memories["lut ram"],
        "state bits": sum(x.lanes * x.layer.spec.state_bits for x in plan.layers),
    }
    return found | (_wide(plan) if plan.wide else _serial(plan))


def _serial(plan: CorePlan) -> dict[str, float]:
    layers = plan.layers
    return {
        "lanes": sum(x.used_lanes for x in layers),
        "sum bits": sum(x.used_lanes * (x.accumulator_bits + x.held_bits * x.layer.hold) for x in layers),
        # The encoder between two layers finds the next spike of a word.
        "encoded lanes": sum(x.lanes for x in layers[:-1]),
        "leaking bits": sum(
            x.used_lanes * x.layer.spec.state_bits for x in layers if x.layer.spec.leak_shift
        ),
        # A word of weights is chosen among the banks behind them.
        "bank bits": sum(
            x.weight_word_bits * (len(banks(x.weight_words)) - 1) for x in layers if x.memory != "spram"
        ),
        "reference bits": plan.references * (plan.distance_bits + 3 * plan.count_bits),
        "image": float(spram_blocks(plan) > 0),
        **_maps(plan),
    }


def _maps(plan: CorePlan) -> dict[str, float]:
    """What walks over maps adds, in cores that have them."""
    walks = [layer for layer in plan.layers if layer.listed]
    if not walks:
        return {}
    first = plan.layers[0]
    return {
        "walks": float(len(walks)),
        # A lane that reads, adds and writes within three clocks keeps what the next event may need.
        "walk state bits": float(sum(x.used_lanes * x.layer.spec.state_bits for x in walks)),
        "walk bits": float(sum(bits_for(x.weight_words) + bits_for(x.words) for x in walks)),
        "divided bits": float(sum(bits_for(divisor) for _, divisor, _ in plan.split.divisions))
        if plan.split
        else 0.0,
        # Weights multiplied by how often an event counts: an addition for each of its bits but the first.
        "times bits": float(first.lanes * first.layer.spec.weight_bits * (first.most.bit_length() - 1)),
    }


def _wide(plan: CorePlan) -> dict[str, float]:
    maps, layers = plan.wide_maps, plan.layers[len(plan.wide_maps) :]
    return {
        "sum bits": sum(x.neurons * (current_bits(x) + total_bits(x)) for x in layers)
        # A lane of a convolution adds twice, to what it has gathered and its bias; and to what it holds.
        + sum(x.lanes * (2 * x.accumulator_bits + x.held_bits * x.layer.hold) for x in maps),
        "bank trees": sum(
            x.neurons
            * (x.events_per_clock - 1)
            * (x.layer.spec.weight_bits + log2(max(x.events_per_clock, 2)) / 2)
            for x in layers
        ),
        "encoded lanes": sum(a.neurons * b.events_per_clock for a, b in pairwise(layers)),
        "compared bits": references_at_once(plan) * layers[-1].neurons * plan.count_bits,
        **_wide_maps(maps),
    }


def _wide_maps(maps: tuple[WideConvPlan, ...]) -> dict[str, float]:
    """What convolutions add, in wide cores that have them."""
    if not maps:
        return {}
    units = [
        memory
        for index, layer in enumerate(maps)
        for memory in wide_conv_memories(layer, index)
        if memory.asked == "distributed"
    ]
    return {
        "map state bits": float(sum(x.lanes * x.layer.spec.state_bits for x in maps)),
        "map lut rams": float(sum(place(memory, "ecp5")[1] for memory in units)),
        "map times bits": float(
            maps[0].lanes * maps[0].layer.spec.weight_bits * (maps[0].most.bit_length() - 1)
        ),
    }


def family(plan: CorePlan) -> str:
    """Which set of coefficients is the device's and the core's."""
    return DEVICES[plan.target].architecture + ("-wide" if plan.wide else "")


def calibrated(plan: CorePlan) -> bool:
    """Whether there are coefficients for such cores on their device."""
    return family(plan) in coefficients()


def logic_cells(plan: CorePlan) -> int:
    """Predicted logic cells (ECP5: LUT4s) of a core in its harness; TwinspikeError if not calibrated."""
    if not calibrated(plan):
        known = ", ".join(coefficients()) or "none"
        raise TwinspikeError(
            f"logic cells of {family(plan)} cores cannot be predicted (known: {known}): "
            "run make calibrate first"
        )
    fitted = coefficients()[family(plan)]
    return round(sum(fitted.get(key, 0.0) * value for key, value in features(plan).items()))


@cache
def coefficients() -> dict[str, dict[str, float]]:
    """Family -> feature -> logic cells, as `twinspike calibrate` left them."""
    file = resources.files(__package__).joinpath(COEFFICIENTS)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
