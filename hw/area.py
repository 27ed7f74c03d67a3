"""How large a core will be: memories counted, logic cells from a linear model fitted to real builds.

    logic cells = sum over features of coefficient x value

The features are what the generator's parts consist of (bits of an adder, constants, references);
coefficients are fitted, for each device family, to cores that yosys and nextpnr packed (`twinspike
calibrate`, which keeps the builds and their errors in results/area-<family>.json).
"""

import dataclasses
import json
from functools import cache
from importlib import resources
from itertools import pairwise
from math import ceil, log2

from ..numerics.errors import TwinspikeError
from .devices import DEVICES, Device
from .memories import REGISTER_BITS
from .plan import CorePlan, LayerPlan
from .spram import UP5K_SPRAM_BLOCKS
from .weights import banks
from .wide_plan import bank_rows, references_at_once, total_bits

COEFFICIENTS = "area.json"
# (depth, width) that one block of RAM can be.
_BLOCK_MODES = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
}
# ECP5 keeps a shallow memory in LUTs, 16 words deep each.
_LUT_RAM_DEPTH = 64


@dataclasses.dataclass(frozen=True)
class LayerShape:
    """What a layer's logic depends on; `banks` is 0 unless the core is wide (then lanes = neurons)."""

    inputs: int
    neurons: int
    lanes: int
    weight_bits: int = 4
    state_bits: int = 8
    sum_bits: int = 12
    threshold_bits: int = 6
    bias_bits: int = 6
    banks: int = 0

    @property
    def words(self) -> int:
        return -(-self.neurons // self.lanes)


@dataclasses.dataclass(frozen=True)
class CoreShape:
    """The layers beside what the readout depends on: K references, bits of a count and of a distance."""

    layers: tuple[LayerShape, ...]
    references: int
    count_bits: int
    distance_bits: int
    compared: int  # references that are compared with a neuron at once

    @property
    def wide(self) -> bool:
        return self.layers[0].banks > 0


def shape_of(plan: CorePlan) -> CoreShape:
    """The shape of a planned core."""
    return CoreShape(
        tuple(_layer_shape(layer) for layer in plan.layers), plan.references, plan.count_bits,
        plan.distance_bits, references_at_once(plan) if plan.wide else plan.references,
    )  # fmt: skip


def _layer_shape(layer: LayerPlan) -> LayerShape:
    spec = layer.layer.spec
    return LayerShape(
        layer.inputs, layer.neurons, layer.lanes, spec.weight_bits, spec.state_bits,
        total_bits(layer) if layer.banks else layer.accumulator_bits, layer.threshold_bits, layer.bias_bits,
        layer.banks,
    )  # fmt: skip


def assumed_shape(
    widths: tuple[int, ...], lanes: tuple[int, ...], *, weight_bits: int = 4, state_bits: int = 8,
    timesteps: int = 8, references: int = 10, banks: tuple[int, ...] = (),
) -> CoreShape:  # fmt: skip
    """The shape of a core before its network is trained: `widths` are inputs and neurons of each layer.

    A neuron's weights are taken to add up to a quarter of the most they could: about what training
    gives. Thresholds and biases are taken to have two bits less than the state.
    """
    layers = []
    for index, (inputs, neurons) in enumerate(pairwise(widths)):
        most = inputs * max(2 ** (weight_bits - 1) - 1, 1) // 4 + 2 ** (state_bits - 1)
        layers.append(LayerShape(
            inputs, neurons, lanes[index], weight_bits, state_bits, most.bit_length() + 1,
            state_bits - 2, state_bits - 2, banks[index] if banks else 0,
        ))  # fmt: skip
    count_bits = timesteps.bit_length()
    distance_bits = (widths[-1] * timesteps * timesteps // 2).bit_length()
    at_once = -(-references // 3) if banks and references > 3 else references
    return CoreShape(tuple(layers), references, count_bits, distance_bits, at_once)


def features(shape: CoreShape) -> dict[str, float]:
    """The model's terms for a core: name -> value."""
    layers = shape.layers
    found = {"core": 1.0, "layers": len(layers), "lanes": sum(x.lanes for x in layers)}
    found["sum bits"] = sum(x.lanes * x.sum_bits for x in layers)
    found["state bits"] = sum(x.lanes * x.state_bits for x in layers)
    if shape.wide:
        found["bank trees"] = sum(
            x.neurons * (x.banks - 1) * (x.weight_bits + log2(max(x.banks, 2)) / 2) for x in layers
        )
        found["banks"] = sum(x.neurons * x.banks for x in layers)
        found["shallow weight bits"] = sum(
            x.neurons * x.banks * x.weight_bits * ceil(rows / 16)
            for x in layers
            if (rows := x.inputs / x.banks + 1) <= _LUT_RAM_DEPTH
        )
        found["compared bits"] = shape.compared * layers[-1].neurons * shape.count_bits
    else:
        # A constant of up to 16 words is a 4-input table a bit.
        found["constant bits"] = sum(
            x.lanes * (x.threshold_bits + x.bias_bits) * ceil(x.words / 16) for x in layers
        )
        found["shallow state bits"] = sum(
            x.lanes * x.sum_bits * ceil(x.words / 16) for x in layers if x.words <= _LUT_RAM_DEPTH
        )
        found["reference bits"] = shape.references * (shape.distance_bits + 3 * shape.count_bits)
    return found


def family(device: Device, shape: CoreShape) -> str:
    """Which set of coefficients is the device's and the core's."""
    return device.architecture + ("-wide" if shape.wide else "")


def calibrated(shape: CoreShape, target: str) -> bool:
    """Whether there are coefficients for such cores on that device."""
    return family(DEVICES[target], shape) in coefficients()


def logic_cells(shape: CoreShape, target: str) -> int:
    """Predicted logic cells (ECP5: LUT4s) of a core in its harness; TwinspikeError if not calibrated."""
    name = family(DEVICES[target], shape)
    if not calibrated(shape, target):
        known = ", ".join(coefficients()) or "none"
        raise TwinspikeError(
            f"logic cells of {name} cores cannot be predicted (known: {known}): run make calibrate first"
        )
    fitted = coefficients()[name]
    return round(sum(fitted.get(key, 0.0) * value for key, value in features(shape).items()))


def estimate(widths: tuple[int, ...], lanes: tuple[int, ...], target: str, **assumed) -> int:
    """Predicted logic cells of a network that is not trained yet; for `assumed` see :func:`assumed_shape`."""
    return logic_cells(assumed_shape(widths, lanes, **assumed), target)


@cache
def coefficients() -> dict[str, dict[str, float]]:
    """Family -> feature -> logic cells, as `twinspike calibrate` left them."""
    file = resources.files(__package__).joinpath(COEFFICIENTS)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def memories(plan: CorePlan) -> dict[str, tuple[int, int]]:
    """Every memory of a core that may lie in block RAM: name -> (depth, width in bits)."""
    found: dict[str, tuple[int, int]] = {}
    for i, layer in enumerate(plan.layers):
        if layer.banks:
            width = layer.neurons * layer.layer.spec.weight_bits
            found |= {f"weights {i}.{b}": (bank_rows(layer), width) for b in range(layer.banks)}
            continue
        if layer.memory == "block":
            parts = enumerate(banks(layer.weight_words))
            found |= {f"weights {i}.{b}": (depth, layer.weight_word_bits) for b, (_, depth) in parts}
        state = layer.accumulator_bits + layer.layer.spec.single_spike
        found[f"state {i}"] = (layer.words, layer.lanes * state)
        found[f"queue {i}"] = (
            1 << (2 * layer.words - 1).bit_length(),
            layer.lanes + max(layer.words - 1, 1).bit_length() + 2,
        )
    if not plan.wide and plan.references:
        rows, columns = plan.reference_table().shape
        found["references"] = (rows, columns * plan.count_bits)
        found["counts"] = (plan.network.outputs, plan.count_bits)
    return found


def memory_bits(plan: CorePlan) -> int:
    """Bits of all memories, SPRAM included."""
    spram = sum(x.weight_words * x.weight_word_bits for x in plan.layers if x.memory == "spram")
    return spram + sum(depth * width for depth, width in memories(plan).values())


def ram_blocks(plan: CorePlan, target: str) -> int:
    """Predicted blocks of RAM: the cheapest mode for each memory; tiny and shallow ones take none."""
    device = DEVICES[target]
    total = 0
    for depth, width in memories(plan).values():
        if device.architecture == "ice40" and depth * width <= REGISTER_BITS:
            continue
        if device.architecture == "ecp5" and depth <= _LUT_RAM_DEPTH:
            continue
        total += min(ceil(depth / d) * ceil(width / w) for d, w in _BLOCK_MODES[device.architecture])
    return total


def spram_blocks(plan: CorePlan) -> int:
    """SPRAM blocks: all of them, or none."""
    return UP5K_SPRAM_BLOCKS if any(layer.memory == "spram" for layer in plan.layers) else 0
