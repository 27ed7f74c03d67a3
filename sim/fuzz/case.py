"""One case of the fuzzing: a few numbers from which networks, frames and hostile streams are made.

Weights and spikes come from a seed and a style, not from the case's own fields: a case stays small
enough to shrink, to print and to keep as a file that replays it.
"""

import dataclasses
import json
from typing import Any

import numpy as np

from ...hw.plan import CorePlan, make_plan
from ...numerics.encodings import Graded, Latency
from ...numerics.errors import TwinspikeError
from ...numerics.events import frame_words
from ...numerics.ingress import LAST
from ...numerics.values import MOST, VALUE, value_words
from ...quant.layer import INT32, Layer
from ...quant.network import Network, References
from ...quant.synapses.kinds import KINDS
from .layers import LayerCase, dense_layer, map_layers
from .variants import moved_layers

ACTIVITY = ("mixed", "sparse", "busy", "saturated", "silent")
MISHAPS = ("address_range", "duplicate", "early_last", "missing_last", "tick_flood", "empty_frame")
# What else a stream may suffer whose words have multiplicities: values that no pixel gives, anywhere.
VALUE_MISHAPS = ("stray_value",)


@dataclasses.dataclass(frozen=True)
class Case:
    """A shape, `networks` networks of it that differ in what memory images hold, and their streams.

    `frames` a network and stream; `references` 0 makes networks that count output spikes, or with
    `membrane` add up membranes where a result holds the sum; `options` go to
    make_plan; `mishaps` is how many a hostile stream suffers (0: no hostile stream); stalls are chances
    of 256 in each clock. `shape` is the map that the inputs are, for a network of layers on maps; `graded`
    gives inputs so many bits of multiplicity in step 0.
    """

    seed: int
    inputs: int
    timesteps: int
    layers: tuple[LayerCase, ...]
    references: int
    activity: str
    frames: int
    networks: int
    options: dict[str, Any]
    stall_source: int
    stall_sinks: int
    mishaps: int
    simulator: str = "verilator"
    shape: tuple[int, ...] = ()
    graded: int = 0
    membrane: bool = False

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> "Case":
        """Raises TwinspikeError for a file that is no case."""
        try:
            table = json.loads(text)
            layers = tuple(LayerCase(**layer) for layer in table.pop("layers"))
            return cls(layers=layers, shape=tuple(table.pop("shape", ())), **table)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise TwinspikeError(f"{where}: is no case of twinspike fuzz ({error})") from None

    def plan(self, network: Network) -> CorePlan:
        """Its core; with `banks` among the options a wide one, for which the lanes mean nothing."""
        options = {**self.options, "events_per_clock": tuple(self.options.get("events_per_clock", ()))}
        lanes = () if options["events_per_clock"] else self._lanes
        return make_plan(network, lanes, **options)

    @property
    def _lanes(self) -> tuple[int, ...]:
        """The lanes of the layers with neurons: others have none."""
        return tuple(layer.lanes for layer in self.layers if KINDS[layer.kind].fires)

    def network(self, index: int) -> Network:
        """Network `index` of the case.

        Those after the first hold its values in another order: each neuron's weights among its inputs, then
        neurons, then references (on maps: see variants.py). Every width derived from them stays, so they
        share the Verilog. A wide core has thresholds and biases in its logic: there only weights move.
        """
        network = self._first()
        if index == 0:
            return network
        rng = np.random.default_rng([self.seed, 1, index])

        def order(count: int) -> np.ndarray:
            return np.arange(count) if self.options.get("events_per_clock") else rng.permutation(count)

        if self.shape:
            layers = moved_layers(rng, network, self)
        else:
            layers = []
            for layer in network.layers:
                moved = order(layer.neurons)
                weight = rng.permuted(layer.weight, axis=1)[moved]
                layers.append(Layer(layer.spec, weight, layer.bias[moved], layer.threshold[moved]))
        # What stands in the Verilog, which the networks share, is each reference's: its label, its own
        # threshold and its distance from silence. Its neurons may change places.
        counts = np.ascontiguousarray(network.references.counts[:, :, order(network.outputs)])
        references = dataclasses.replace(network.references, counts=counts)
        return dataclasses.replace(network, name=f"case{index}", layers=tuple(layers), references=references)

    def _first(self) -> Network:
        rng, layers, width = np.random.default_rng([self.seed, 0]), [], self.inputs
        if self.shape:
            layers = map_layers(rng, self.shape, self.layers)
            width = layers[-1].neurons
        else:
            for shape in self.layers:
                layers.append(dense_layer(rng, shape, width))
                width = shape.neurons
        rate = rng.choice([0.0, 0.1, 0.5, 1.0], size=(self.references, 1, 1))
        spikes = rng.random((self.references, self.timesteps, width)) < rate
        counts = np.cumsum(spikes, axis=1).astype(np.uint8)
        labels = rng.choice([self.references, 1 << 16], size=self.references)
        labels = rng.integers(0, labels).astype(np.int32)
        far = self.timesteps * self.timesteps * width
        verify = int(rng.choice([0, int(rng.integers(0, far + 1)), min(far, INT32.max), INT32.max]))
        return Network(
            "case0",
            self.timesteps,
            Graded(self.graded) if self.graded else Latency(),
            self.shape or (self.inputs,),
            tuple(layers),
            References(counts, labels, self._own_thresholds(far)),
            verify,
            readout=self._readout,
        )

    def _own_thresholds(self, far: int) -> np.ndarray | None:
        """Thresholds of the references' own in half of the cases, some beyond every distance `far`."""
        rng = np.random.default_rng([self.seed, 2])
        if not self.references or rng.random() < 0.5:
            return None
        own = rng.integers(0, min(2 * far, INT32.max), size=self.references, endpoint=True)
        return np.where(rng.random(self.references) < 0.2, 0, own).astype(np.int32)

    @property
    def _readout(self) -> str:
        if self.references:
            return "emd"
        fits = self.timesteps * ((1 << self.layers[-1].state_bits) - 1) < (1 << 32) - 1
        return "membrane" if self.membrane and fits else "counts"

    def spikes(self, index: int) -> np.ndarray:
        """Input spikes bool [T, frames, inputs] of network `index`, uint8 with multiplicities."""
        rng = np.random.default_rng([self.seed, 2, index])
        shape = (self.timesteps, self.frames, self.inputs)
        rates = {
            "mixed": [0.0, 0.02, 0.2, 0.6, 1.0],
            "sparse": [0.01, 0.05],
            "busy": [0.6, 0.9],
            "saturated": [1.0],
            "silent": [0.0],
        }
        # A rate a frame, and now and then another one in a step.
        rate = rng.choice(rates[self.activity], size=(1, self.frames, 1))
        other = rng.choice(rates[self.activity], size=(self.timesteps, self.frames, 1))
        rate = np.where(rng.random(other.shape) < 0.2, other, rate)
        spikes = rng.random(shape) < rate
        if self.graded:
            found = np.zeros(shape, np.uint8)
            found[0] = spikes[0] * rng.integers(1, 1 << self.graded, shape[1:])
            return found
        return spikes

    @property
    def takes_duplicates(self) -> bool:
        """Whether it is defined what an address that comes twice in a step does: a plain sum in layer 0."""
        others = any(-1 in layer.keys.get("sources", ()) for layer in self.layers)
        first = self.layers[0]
        plain = first.kind not in ("pool", "delay") and not first.keys.get("hold")
        return plain and not others and not self.options.get("events_per_clock")

    def hostile_words(self, index: int) -> tuple[list[int], dict[str, int]]:
        """The same frames damaged in `mishaps` places: ({last, word} integers, how often each happened).

        The stream ends with a frame that is whole and sound.
        """
        rng = np.random.default_rng([self.seed, 3, index])
        spikes = self.spikes(index)
        frames = [words_of(spikes[:, b], rng) for b in range(self.frames)]
        every = MISHAPS + VALUE_MISHAPS if self.graded else MISHAPS
        done = dict.fromkeys(every, 0)
        # A wide core adds up a step's weights in another order of widths, and does not look for duplicates.
        kinds = [kind for kind in every if kind != "duplicate" or self.takes_duplicates]
        for _ in range(self.mishaps):
            # Never the last frame: it must come out right after all that.
            victim = int(rng.integers(max(1, self.frames - 1)))
            kind = str(rng.choice(kinds))
            frames[victim] = _damage(frames[victim], kind, self.inputs, self.timesteps, rng)
            done[kind] += 1
        # Whatever step the damage left it in, this `last` ends the frame.
        frames.insert(self.frames - 1, [LAST | int(rng.integers(self.inputs))])
        return [word for frame in frames for word in frame], done


def words_of(spikes: np.ndarray, rng: np.random.Generator | None = None) -> list[int]:
    """One frame [T, N] as {last, word} integers; with `rng`, each step's addresses in any order.

    Those of multiplicities stay behind the VALUE words that they belong to.
    """
    graded = spikes.dtype != bool
    words, last = (value_words if graded else frame_words)(spikes)
    if rng is not None and not graded:
        tick = words >= 0x8000
        step: np.ndarray = np.cumsum(tick) - tick
        order = np.lexsort((rng.random(len(words)), tick, step))
        words = words[order]
    return [int(w) | (LAST if end else 0) for w, end in zip(words, last, strict=True)]


def _damage(words: list[int], kind: str, inputs: int, timesteps: int, rng: np.random.Generator) -> list[int]:
    at = int(rng.integers(len(words) + 1)) if words else 0
    last = LAST if rng.random() < 0.2 else 0
    match kind:
        case "address_range" if inputs < 0x8000:
            return [*words[:at], int(rng.integers(inputs, 0x8000)) | last, *words[at:]]
        case "duplicate":
            # Beside itself, or later in the step: the last address before `at`, if any.
            before = [w for w in words[:at] if not w & 0x8000]
            again = (before[-1] if before else int(rng.integers(inputs))) & 0x7FFF
            return [*words[:at], *[again] * int(rng.integers(1, 4)), *words[at:]]
        case "early_last" if words:
            at = min(at, len(words) - 1)
            return [*words[:at], words[at] | LAST, *words[at + 1 :]]
        case "missing_last":
            return [w & ~LAST for w in words]
        case "tick_flood":
            ticks = int(rng.integers(1, 3 * timesteps + 1))
            return [*words[:at], *(0x8000 | int(x) for x in rng.integers(0, 0x8000, ticks)), *words[at:]]
        case "empty_frame":
            return [*[0x8000] * (timesteps - 1), 0x8000 | LAST, *words]
        case "stray_value":
            # Any multiplicity, none too; what stands between the two highest bits and it means nothing.
            value = VALUE | int(rng.integers(0x400)) << 4 | int(rng.integers(MOST + 1))
            return [*words[:at], value | last, *words[at:]]
    return words
