"""What the generator derives from a network before any gate exists: widths, words, memory images.

Everything here is plain Python, so the cycle model, the documentation and the tests read the same
numbers as the hardware.
"""

from ...numerics.encodings import Graded
from ...numerics.errors import TwinspikeError, out_of_range
from ...quant.network import Network
from ..devices import architecture
from ..settings import CHECKS, MAX_SLOTS, HardwareSettings
from .core import CorePlan, firing
from .kinds import PLANS, RELAYS
from .layer import LayerPlan
from .merge import Leaving, MergePlan, input_map, merge_of, passes_flat
from .pixel_encodings import check_encoding
from .relay import RelayPlan
from .shared import share_memories
from .spram import share_spram
from .states import states_in_blocks
from .wide_layers import wide_layers

# Events that a wide layer may take at once, each from a memory bank of its own: addresses are dealt to them
# by their lowest bits.
EVENTS_PER_CLOCK = (1, 2, 4, 8, 16)
# What readouts without references do.
_ADDS = {"counts": "counts spikes", "membrane": "adds up membranes"}


def make_plan(
    network: Network,
    lanes: tuple[int, ...] = (),
    target: str = "generic",
    events_per_clock: tuple[int, ...] = (),
    check_duplicates: bool | None = None,
    slots: int = 0,
    pixels: bool = False,
    step_timer: int = 0,
) -> CorePlan:
    """Choose lanes and memories; `events_per_clock` plans a wide core (lanes are then the layers' neurons).

    Duplicate addresses are noticed unless the weights need SPRAM: a network of that size leaves the device no
    block RAM to spare. `check_duplicates` decides it otherwise; a wide core does not have it. `slots`,
    `pixels` and `step_timer` see CorePlan. Raises TwinspikeError for lanes, events_per_clock, slots, pixels
    or a step timer that do not suit the network or device.
    """
    check_buildable(network)
    _check_slots(network, slots, events_per_clock)
    if pixels:
        check_encoding(network)
    _check_step_timer(network, step_timer, events_per_clock)
    if events_per_clock:
        return _wide_plan(network, lanes, target, events_per_clock, pixels)
    numbers = firing(network)
    if lanes and len(lanes) != len(numbers):
        raise TwinspikeError(
            f"hardware.lanes has {len(lanes)} numbers: expected one per layer"
            f"{' with neurons' * (len(numbers) < len(network.layers))}, {len(numbers)}"
        )
    layers: list[LayerPlan] = []
    relays: list[tuple[RelayPlan, ...]] = []
    passed: list[RelayPlan] = []
    merges: list[MergePlan | None] = []
    most, seen = network.encoder.most if isinstance(network.encoder, Graded) else 1, input_map(network)
    leaving = {-1: Leaving(most, 1, None if seen is None else seen.sent, (-1,))}
    for index, layer in enumerate(network.layers):
        merge = merge_of(network, index, leaving)
        merges.append(merge)
        source = leaving[network.sources(index)[0]] if merge is None else merge.leaving
        most, copies, arrivals, roots = source
        if layer.kind in RELAYS:
            flat = passes_flat(network, index)
            passed.append(RELAYS[layer.kind](layer, most, copies, network.timesteps, flat))
            after = passed[-1]
            leaving[index] = Leaving(after.most_after, after.copies_after, after.sent, roots)
            continue
        place = len(layers)
        kind = PLANS[layer.kind]
        chosen = lanes[place] if lanes else kind.default_lanes(layer)
        kind.check_lanes(layer, chosen, f"hardware.lanes[{place}]", f"layers.{index}")
        # ECP5's block RAMs are slow to read (5.6 ns) and its adders fast.
        ahead = architecture(target) == "ecp5"
        layers.append(
            kind(
                layer,
                chosen,
                "block",
                read_ahead=ahead,
                arrivals=arrivals,
                timesteps=network.timesteps,
                most=most,
                copies=copies,
                sums=network.readout == "membrane" and index == len(network.layers) - 1,
            )
        )
        relays.append(tuple(passed))
        passed = []
        leaving[index] = Leaving(1, 1, layers[-1].sent if layers[-1].row else None, (index,))
    last = layers[-1]
    if last.row and last.addresses != last.neurons:
        raise TwinspikeError(
            f"layers.{numbers[-1]}.shape = {list(last.layer.shape)}: the last layer's addresses leave "
            "the core, so the sizes of its map must be powers of two; or let a dense layer follow"
        )
    if last.sums and last.layer.kind != "dense":
        raise TwinspikeError(
            f"layers.{numbers[-1]}.kind = {last.layer.kind}: a core adds up the membranes of a dense layer "
            "only, where readout = membrane: let one follow"
        )
    if target == "up5k":
        layers = share_spram(layers, network.name, numbers)
    layers = share_memories(states_in_blocks(layers, target), network, numbers)
    if check_duplicates is None:
        check_duplicates = not any(plan.memory == "spram" for plan in layers)
    found = tuple(relays) if any(relays) else ()
    joined = tuple(merges) if any(merges) else ()
    return CorePlan(
        network, tuple(layers), target, check_duplicates, slots, pixels, step_timer, found, joined
    )


def plan_for(network: Network, settings: HardwareSettings, target: str) -> CorePlan:
    """The plan of a `[hardware]` table's core for one target.

    Lanes and events_per_clock that were given for another number of layers do not count: a network given by
    hand may have other layers than the configuration.
    """

    def fitting(numbers: tuple[int, ...], layers: int) -> tuple[int, ...]:
        return numbers if len(numbers) == layers else ()

    return make_plan(
        network,
        fitting(settings.lanes, len(firing(network))),
        target,
        fitting(settings.events_per_clock, len(network.layers)),
        CHECKS[settings.check_duplicates],
        settings.slots,
        settings.pixels,
        settings.step_timer,
    )


def check_buildable(network: Network) -> None:
    """Raise TwinspikeError for a network of which no core can be made, whatever settings and device."""
    _check_kinds(network)


def _check_kinds(network: Network) -> None:
    """Raise TwinspikeError for a layer kind that has no hardware."""
    for index, layer in enumerate(network.layers):
        if layer.kind not in PLANS and layer.kind not in RELAYS:
            kinds = " or ".join([*PLANS, *RELAYS])
            raise out_of_range(f"layers.{index}.kind", layer.kind, f"a kind that a core has: {kinds}")


def _check_chain(network: Network) -> None:
    """Raise TwinspikeError unless each layer's only source is the layer before it, as in wide cores."""
    for index in range(len(network.layers)):
        if network.sources(index) != (index - 1,):
            sources = list(network.sources(index))
            raise TwinspikeError(
                f"layers.{index}.sources = {sources}: a core of several events per clock chains its "
                f"layers, each behind the one before; expected [{index - 1}], or leave events_per_clock out"
            )


def _check_slots(network: Network, slots: int, events_per_clock: tuple[int, ...]) -> None:
    if not slots:
        return
    if events_per_clock:
        raise TwinspikeError(
            f"hardware.slots = {slots}: a core of several events per clock has fixed references only: "
            "leave events_per_clock or slots out"
        )
    if network.readout != "emd":
        raise TwinspikeError(
            f"hardware.slots = {slots}: {network.name} {_ADDS[network.readout]} instead of comparing "
            "references: leave slots out"
        )
    references = len(network.references.labels)
    if not references <= slots <= MAX_SLOTS:
        raise out_of_range(
            "hardware.slots", slots, f"{references}..{MAX_SLOTS}, from the network's references on"
        )


def _check_step_timer(network: Network, clocks: int, events_per_clock: tuple[int, ...]) -> None:
    if not clocks:
        return
    if not 0 < clocks < 1 << 32:
        raise out_of_range("hardware.step_timer", clocks, "0 (none) or clocks of a step, 1..2^32 - 1")
    if events_per_clock:
        raise TwinspikeError(
            f"hardware.step_timer = {clocks}: a core of several events per clock takes its TICKs from "
            "outside: leave events_per_clock or step_timer out"
        )
    if isinstance(network.encoder, Graded):
        raise TwinspikeError(
            f"hardware.step_timer = {clocks}: {network.name} takes graded pixels of a still image, "
            "which has no time: leave step_timer out"
        )


def _wide_plan(
    network: Network, lanes: tuple[int, ...], target: str, events_per_clock: tuple[int, ...], pixels: bool
) -> CorePlan:
    if network.readout != "emd":
        raise TwinspikeError(
            f"hardware.events_per_clock: {network.name} {_ADDS[network.readout]} instead of comparing "
            "references, which a wide "
            "core cannot: leave events_per_clock out"
        )
    _check_chain(network)
    neurons = tuple(layer.neurons for layer in network.layers)
    if len(events_per_clock) != len(neurons):
        raise TwinspikeError(
            f"hardware.events_per_clock has {len(events_per_clock)} numbers: expected one per "
            f"layer, {len(neurons)}"
        )
    if lanes and lanes != neurons:
        raise TwinspikeError(
            f"hardware.lanes = {list(lanes)}: with events_per_clock every neuron (of a convolution, every "
            "channel of a bank) is a lane, so leave lanes out"
        )
    for index, (count, layer) in enumerate(zip(events_per_clock, network.layers, strict=True)):
        if count not in EVENTS_PER_CLOCK or count > layer.inputs:
            raise out_of_range(
                f"hardware.events_per_clock[{index}]",
                count,
                f"one of {', '.join(map(str, EVENTS_PER_CLOCK))}, at most the layer's {layer.inputs} inputs",
            )
    layers = wide_layers(network, events_per_clock)
    return CorePlan(network, layers, target, check_duplicates=False, pixels=pixels)
