"""The layers of a wide core: convolutions first, if there are any, then dense ones."""

from ...numerics.encodings import Graded
from ...numerics.errors import TwinspikeError
from ...quant.network import Network
from ...quant.synapses.conv import Conv
from .codes import Codes
from .dense import DensePlan
from .layer import LayerPlan
from .wide_conv import WideConvPlan

_SERIAL = "leave events_per_clock out for the serial core"


def wide_layers(network: Network, events_per_clock: tuple[int, ...]) -> tuple[LayerPlan, ...]:
    """A plan a layer. Raises TwinspikeError for what a wide core cannot hold, naming the layer and field."""
    _check_input(network)
    found: list[LayerPlan] = []
    for index, (layer, events) in enumerate(zip(network.layers, events_per_clock, strict=True)):
        before = found[-1] if found else None
        behind_map = isinstance(before, WideConvPlan)
        if isinstance(layer.synapses, Conv):
            if before is not None and not behind_map:
                raise TwinspikeError(
                    f"layers.{index}.kind = conv behind a {before.layer.kind} layer: a core of several "
                    f"events per clock has its convolutions first; {_SERIAL}"
                )
            _one_event(events, index, "a convolution")
            seen = before.leaving if isinstance(before, WideConvPlan) else Codes.plain(*layer.synapses.map)
            most = network.encoder.most if isinstance(network.encoder, Graded) and before is None else 1
            found.append(WideConvPlan.of(layer, seen, f"layers.{index}", most))
        elif layer.kind == "dense":
            if behind_map:
                _one_event(events, index, "a layer behind a convolution")
            arrivals = before.leaving.sent if isinstance(before, WideConvPlan) else None
            found.append(DensePlan(layer, layer.neurons, "block", events, arrivals=arrivals))
        else:
            raise TwinspikeError(
                f"layers.{index}.kind = {layer.kind}: a core of several events per clock has layers of kind "
                f"conv or dense only; {_SERIAL}"
            )
    if isinstance(found[-1], WideConvPlan):
        raise TwinspikeError(
            f"layers.{len(found) - 1}.kind = conv: the last layer of a core of several events per clock is "
            f"dense, since its readout takes whole steps; {_SERIAL}"
        )
    return tuple(found)


def _check_input(network: Network) -> None:
    """Raise TwinspikeError for an input that a dense first layer cannot have."""
    if isinstance(network.layers[0].synapses, Conv):
        return
    if isinstance(network.encoder, Graded):
        raise TwinspikeError(
            f"encoder.kind = {network.encoder.kind}: a core of several events per clock counts each once, "
            f"but where its first layer is a convolution; {_SERIAL}"
        )
    if network.layers[0].hold:
        raise TwinspikeError(
            "layers.0.hold = True: a core of several events per clock cannot hold its input, but where its "
            f"first layer is a convolution; {_SERIAL}"
        )


def _one_event(events: int, index: int, what: str) -> None:
    if events != 1:
        raise TwinspikeError(
            f"hardware.events_per_clock[{index}] = {events}: {what} takes one event a clock, in all its "
            "banks at once; expected 1"
        )
