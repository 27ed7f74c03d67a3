"""How the neurons of a layer behave, whatever connects to them."""

import dataclasses
from typing import Any, ClassVar

from ..numerics.errors import out_of_range
from ..numerics.fields import setting

RESETS = ("subtract", "zero")
# How the outputs of several sources become one input: multiplicities add up, or spikes are combined.
COMBINES = ("add", "and", "iand")
# Keys of a configuration's layer that stay out of its table where they have their defaults, so that what
# was made before there were such keys is the same.
RARE = ("forget", "hold", "sources", "combine", "weights_of", "activity_target", "layer_scale", "norm")
# float32 counts exactly to 2^24: a membrane of 24 bits plus bias and integration stays below it.
MAX_TRAINED_STATE_BITS = 24


@dataclasses.dataclass(frozen=True)
class NeuronSpec:
    """How the neurons of one layer behave; part of an entry of "layers" in the file's metadata."""

    weight_bits: int = setting(4, low=1, high=8, help="weight width; 1 bit means exactly -1 or +1")
    leak_shift: int = setting(3, low=0, high=31, help="k of v - (v >> k) each step; 0: no leak")
    reset: str = setting("subtract", choices=RESETS, help="after a spike: v - threshold, or 0")
    single_spike: bool = setting(False, help="silent for the rest of the frame after the first spike")
    state_bits: int = setting(
        12,
        low=2,
        high=32,
        help=f"membrane potential clamps to this many bits; training takes at most {MAX_TRAINED_STATE_BITS}",
    )
    forget: bool = setting(False, help="membranes keep nothing from step to step (leak_shift is then 0)")

    @property
    def weight_limit(self) -> int:
        """Largest weight magnitude: 2^(b-1) - 1 (symmetric narrow range), 1 for binary weights."""
        return max(1, (1 << (self.weight_bits - 1)) - 1)

    def table(self) -> dict[str, Any]:
        """The fields as JSON-ready values; `forget`, newer than the file's format, only where it is true."""
        table = {field.name: getattr(self, field.name) for field in dataclasses.fields(NeuronSpec)}
        if not self.forget:
            del table["forget"]
        return table


def check_leak(spec: NeuronSpec, where: str) -> None:
    """Raise TwinspikeError if membranes that keep nothing are to leak."""
    if spec.forget and spec.leak_shift:
        raise out_of_range(f"{where}.leak_shift", spec.leak_shift, "0, where forget = true")


def check_trainable(spec: NeuronSpec, where: str) -> None:
    """Raise TwinspikeError if `spec` asks for membranes wider than the floats of training hold exactly."""
    check_leak(spec, where)
    if spec.state_bits > MAX_TRAINED_STATE_BITS:
        allowed = f"2..{MAX_TRAINED_STATE_BITS} to train (floats hold that many bits exactly)"
        raise out_of_range(f"{where}.state_bits", spec.state_bits, allowed)


@dataclasses.dataclass(frozen=True)
class LayerSettings(NeuronSpec):
    """One `[[layers]]` entry of a configuration: a dense layer's width beside the neuron's behaviour.

    Another kind has a subclass with another `kind` and keys of its own.
    """

    kind: ClassVar[str] = "dense"
    rare: ClassVar[tuple[str, ...]] = RARE

    neurons: int = setting(128, low=1, high=32768, help="width of the layer")
    hold: bool = setting(False, help="first layer only: the input of step 0 counts in every step")
    sources: tuple[int, ...] = setting(
        (), low=-1, high=15, help="layers that are its input, -1 the network's input; empty: the one before"
    )
    combine: str = setting("add", choices=COMBINES, help="what becomes of the spikes of several sources")
    weights_of: int = setting(-1, low=-1, high=15, help="the layer whose weights it shares; -1: its own")
    layer_scale: bool = setting(
        False, help="weights have one learnt scale for the layer, so that its neurons have one threshold"
    )
    norm: str = setting(
        "none",
        choices=("batch", "none"),
        help="in training: currents of mean 0 and a learnt deviation over a batch",
    )
    activity_target: float = setting(
        -1.0,
        low=-1.0,
        high=255.0,
        help="training.activity_target of this layer alone; below 0: the others' (the last layer: no price)",
    )

    def table(self) -> dict[str, Any]:
        """The entry as JSON-ready values; `kind` and keys of `rare` only where they are not the defaults."""
        table: dict[str, Any] = {} if self.kind == "dense" else {"kind": self.kind}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name not in self.rare or value != field.default:
                table[field.name] = list(value) if isinstance(value, tuple) else value
        return table

    @property
    def width(self) -> int:
        """The layer's `Synapses.channels`, which tells sizes apart; 0 without neurons."""
        return self.neurons

    @property
    def spec(self) -> NeuronSpec:
        names = (f.name for f in dataclasses.fields(NeuronSpec))
        return NeuronSpec(**{name: getattr(self, name) for name in names})
