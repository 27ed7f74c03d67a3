"""Golden vectors as memory files: what a test bench sends to a core, and all that must come back."""

import json
from pathlib import Path

import numpy as np

from ...hw.core.ingress import ERRORS
from ...hw.emit.emit import LICENCE
from ...hw.plan import CorePlan
from ...hw.predict.cycles import frame_times
from ...hw.readout.result import RESULT
from ...hw.weights.image import weight_image
from ...numerics.events import frame_beats, frame_words
from ...numerics.files import write_atomically
from ...numerics.values import value_words
from ..golden import Trace
from ..golden import run as golden_run
from .bench import beat_bits
from .slot_vectors import slot_lines

FILES = ("stimulus.mem", "spikes.mem", "results.mem", "cycles.mem")
SLOT_STEPS = "slots.mem"
# Lengths whose macro is there only if the core has the part: benches ask for it with `ifdef.
_PARTS = ("SLOTS", "SLOT_STEPS", "PIXELS", "STEP_TIMER", "KEEP", "LOAD_WORDS")


def write_vectors(plan: CorePlan, spikes: np.ndarray, labels: np.ndarray, out: Path) -> dict[str, int]:
    """Write the files of FILES and `vectors.vh` for input spikes bool [T, B, inputs] into folder `out`.

    `stimulus.mem` holds beats of `s_axis` ({last, keep, words}), `spikes.mem` words of `m_axis` ({last,
    word}), `results.mem` records of `m_result`, `cycles.mem` the clock of each result when all frames are
    sent without a pause (clock 0 is the first one after reset, or with the weights loaded). For a core with
    slots, `slots.mem` holds commands with what they must give (see sim/bench/slot_vectors.py). `vectors.vh`
    gives their lengths, `vectors.json` the same with the images' true labels. Returns the lengths. Raises
    TwinspikeError if the spikes do not suit the network or a file cannot be written.
    """
    trace = golden_run(plan.network, spikes)
    stimulus = stimulus_lines(spikes, plan.layers[0].events_per_clock)
    write_atomically(out / "stimulus.mem", "".join(stimulus))
    _, finished = frame_times(plan, spikes, trace.spikes, isolate=False)
    expected = _spike_lines(trace)
    write_atomically(out / "spikes.mem", "".join(expected))
    write_atomically(out / "results.mem", "".join(f"{record:024x}\n" for record in _records(trace)))
    write_atomically(out / "cycles.mem", "".join(f"{clock:08x}\n" for clock in finished.tolist()))
    banks = max(plan.layers[0].events_per_clock, 1)
    steps = slot_lines(plan, trace.output_counts)
    if steps:
        write_atomically(out / SLOT_STEPS, "".join(steps))
    lengths = {
        "FRAMES": spikes.shape[1],
        "BEATS": len(stimulus),
        "SPIKES": len(expected),
        "BANKS": banks,
        "BEAT_BITS": beat_bits(plan),
        "INPUTS": plan.network.inputs,
        "TIMESTEPS": plan.network.timesteps,
        "REFERENCES": plan.references,
        "SLOTS": plan.slots,
        "SLOT_STEPS": len(steps),
        "PIXELS": int(plan.pixels),
        "STEP_TIMER": plan.step_timer,
        "ERROR_BITS": len(ERRORS),
        "KEEP": int(banks > 1),
        "LOAD_WORDS": len(weight_image(plan)),
    }
    macros = [f"`define {name} {value}\n" for name, value in lengths.items() if value or name not in _PARTS]
    network_hash = f"`define NETWORK_HASH 64'h{plan.network.content_hash[:16]}\n"
    write_atomically(out / "vectors.vh", "".join([LICENCE, *macros, network_hash]))
    write_atomically(out / "vectors.json", json.dumps(lengths | {"labels": labels.tolist()}) + "\n")
    return lengths


def _spike_lines(trace: Trace) -> list[str]:
    lines = []
    for frame in range(trace.spikes[-1].shape[1]):
        words, last = frame_words(trace.spikes[-1][:, frame])
        lines += [f"{w | end << 16:05x}\n" for w, end in zip(words.tolist(), last.tolist(), strict=True)]
    return lines


def _records(trace: Trace) -> list[int]:
    results = trace.results
    columns = {name: getattr(results, name).astype(object).tolist() for name, _ in RESULT}
    return [
        sum(int(columns[name][i]) << field.offset for name, field in RESULT)
        for i in range(len(results.label))
    ]


def stimulus_lines(spikes: np.ndarray, banks: int) -> list[str]:
    """The beats of `s_axis` for input spikes [T, B, inputs], bool or multiplicities: {last, keep, words}."""
    lines = []
    for frame in range(spikes.shape[1]):
        if banks > 1:
            lines += _beat_lines(*frame_beats(spikes[:, frame], banks))
            continue
        graded = spikes.dtype != bool
        words, last = (value_words if graded else frame_words)(spikes[:, frame])
        lines += [
            f"{word | end << 16:05x}\n" for word, end in zip(words.tolist(), last.tolist(), strict=True)
        ]
    return lines


def _beat_lines(words: np.ndarray, keep: np.ndarray, last: np.ndarray) -> list[str]:
    """Beats as the bench reads them: {last, keep, words}, slot 0 lowest."""
    banks = words.shape[1]
    lines = []
    for beat, used, end in zip(words.tolist(), keep.tolist(), last.tolist(), strict=True):
        value = int(end) << 17 * banks
        for slot in range(banks):
            value |= beat[slot] << 16 * slot | used[slot] << 16 * banks + slot
        lines.append(f"{value:x}\n")
    return lines
