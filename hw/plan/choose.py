"""What the generator derives from a network before any gate exists: widths, words, memory images.

Everything here is plain Python, so the cycle model, the documentation and the tests read the same
numbers as the hardware.
"""

from math import prod

from ...numerics.errors import TwinspikeError, out_of_range
from ...quant.network import Network
from ..devices import SPRAM_BITS, SPRAM_WIDTHS, UP5K_SPRAM_BLOCKS, architecture
from ..settings import CHECKS, MAX_SLOTS, HardwareSettings
from .core import CorePlan
from .kinds import PLANS
from .layer import LayerPlan
from .pixel_encodings import check_encoding

# Events that a wide layer may take at once, each from a memory bank of its own: addresses are dealt to them
# by their lowest bits.
EVENTS_PER_CLOCK = (1, 2, 4, 8, 16)
# A layer of more weight bits than this goes to SPRAM on a device that has it (8 EBR of 4 kbit).
SPRAM_FROM_BITS = 8 * 4096


def default_lanes(neurons: int, weight_bits: int) -> int:
    """Lanes for a layer that nobody chose them for: a 64-bit weight word, and at least 4 words per row."""
    lanes = max(1, 64 // weight_bits)
    while lanes > 1 and -(-neurons // lanes) < 4:
        lanes //= 2
    return 1 << (lanes.bit_length() - 1)


def make_plan(
    network: Network,
    lanes: tuple[int, ...] = (),
    target: str = "generic",
    events_per_clock: tuple[int, ...] = (),
    check_duplicates: bool | None = None,
    slots: int = 0,
    pixels: bool = False,
) -> CorePlan:
    """Choose lanes and memories; `events_per_clock` plans a wide core (lanes are then the layers' neurons).

    Duplicate addresses are noticed unless the weights need SPRAM: a network of that size leaves the device no
    block RAM to spare. `check_duplicates` decides it otherwise; a wide core does not have it. `slots` and
    `pixels` see CorePlan. Raises TwinspikeError for lanes, events_per_clock, slots or pixels that do not suit
    the network or device.
    """
    _check_chain(network)
    _check_slots(network, slots, events_per_clock)
    if pixels:
        check_encoding(network)
    if events_per_clock:
        return _wide_plan(network, lanes, target, events_per_clock, pixels)
    if lanes and len(lanes) != len(network.layers):
        raise TwinspikeError(
            f"hardware.lanes has {len(lanes)} numbers: expected one per layer, {len(network.layers)}"
        )
    layers = []
    for index, layer in enumerate(network.layers):
        where = f"hardware.lanes[{index}]"
        bits = layer.spec.weight_bits
        chosen = lanes[index] if lanes else default_lanes(layer.neurons, bits)
        if not 1 <= chosen <= layer.neurons:
            raise out_of_range(where, chosen, f"1..{layer.neurons}, the layer's neurons")
        memory = (
            "spram" if target == "up5k" and prod(layer.weight.shape) * bits > SPRAM_FROM_BITS else "block"
        )
        # ECP5's block RAMs are slow to read (5.6 ns) and its adders fast.
        plan = PLANS[layer.kind](layer, chosen, memory, read_ahead=architecture(target) == "ecp5")
        if memory == "spram":
            check_spram(plan, index)
        layers.append(plan)
    spram = sum(plan.memory == "spram" for plan in layers)
    if spram > 1:
        raise TwinspikeError(
            f"{spram} layers of {network.name} need SPRAM, {target} has room for one: "
            "use fewer weight bits, smaller layers or a larger device"
        )
    if check_duplicates is None:
        check_duplicates = spram == 0
    return CorePlan(network, tuple(layers), target, check_duplicates, slots, pixels)


def plan_for(network: Network, settings: HardwareSettings, target: str) -> CorePlan:
    """The plan of a `[hardware]` table's core for one target.

    Lanes and events_per_clock that were given for another number of layers do not count: a network given by
    hand may have other layers than the configuration.
    """

    def fitting(numbers: tuple[int, ...]) -> tuple[int, ...]:
        return numbers if len(numbers) == len(network.layers) else ()

    return make_plan(
        network,
        fitting(settings.lanes),
        target,
        fitting(settings.events_per_clock),
        CHECKS[settings.check_duplicates],
        settings.slots,
        settings.pixels,
    )


def _check_chain(network: Network) -> None:
    """Raise TwinspikeError unless each layer's only source is the layer before it."""
    for index in range(len(network.layers)):
        if network.sources(index) != (index - 1,):
            sources = list(network.sources(index))
            raise TwinspikeError(
                f"layers.{index}.sources = {sources}: a core can only chain its layers so far, each "
                f"behind the one before; expected [{index - 1}]"
            )


def _check_slots(network: Network, slots: int, events_per_clock: tuple[int, ...]) -> None:
    if not slots:
        return
    if events_per_clock:
        raise TwinspikeError(
            f"hardware.slots = {slots}: a core of several events a clock has fixed references only: "
            "leave events_per_clock or slots out"
        )
    if network.readout != "emd":
        raise TwinspikeError(
            f"hardware.slots = {slots}: {network.name} counts spikes instead of comparing references: "
            "leave slots out"
        )
    references = len(network.references.labels)
    if not references <= slots <= MAX_SLOTS:
        raise out_of_range(
            "hardware.slots", slots, f"{references}..{MAX_SLOTS}, from the network's references on"
        )


def _wide_plan(
    network: Network, lanes: tuple[int, ...], target: str, events_per_clock: tuple[int, ...], pixels: bool
) -> CorePlan:
    if network.readout != "emd":
        raise TwinspikeError(
            f"hardware.events_per_clock: {network.name} counts spikes instead of comparing "
            "references, which a wide "
            "core cannot: leave events_per_clock out"
        )
    neurons = tuple(layer.neurons for layer in network.layers)
    if len(events_per_clock) != len(neurons):
        raise TwinspikeError(
            f"hardware.events_per_clock has {len(events_per_clock)} numbers: expected one per "
            f"layer, {len(neurons)}"
        )
    if lanes and lanes != neurons:
        raise TwinspikeError(
            f"hardware.lanes = {list(lanes)}: with events_per_clock every neuron is a lane, so "
            "leave lanes out"
        )
    for index, (count, layer) in enumerate(zip(events_per_clock, network.layers, strict=True)):
        if count not in EVENTS_PER_CLOCK or count > layer.inputs:
            raise out_of_range(
                f"hardware.events_per_clock[{index}]",
                count,
                f"one of {', '.join(map(str, EVENTS_PER_CLOCK))}, at most the layer's {layer.inputs} inputs",
            )
    layers = zip(network.layers, neurons, events_per_clock, strict=True)
    wide = tuple(PLANS[layer.kind](layer, n, "block", e) for layer, n, e in layers)
    return CorePlan(network, wide, target, check_duplicates=False, pixels=pixels)


def check_spram(plan: LayerPlan, index: int) -> None:
    """Raise TwinspikeError if the layer's weights do not fit UP5K's single-port RAM, or its words."""
    width, bits = plan.weight_word_bits, plan.layer.spec.weight_bits
    if width not in SPRAM_WIDTHS:
        fits = ", ".join(str(w // bits) for w in SPRAM_WIDTHS if w % bits == 0) or "none"
        raise TwinspikeError(
            f"hardware.lanes[{index}] = {plan.lanes}: {plan.lanes} lanes x {bits} bits = {width} bits do not "
            f"divide into SPRAM words of {SPRAM_WIDTHS} bits; lanes that do: {fits}"
        )
    need, have = plan.weight_words * width, UP5K_SPRAM_BLOCKS * SPRAM_BITS
    if need > have:
        raise TwinspikeError(
            f"layers.{index}: {need} weight bits do not fit the {have} bits of up5k's SPRAM "
            f"({need - have} too many): use fewer weight bits, fewer neurons or a larger device"
        )
