"""Logs of the bench back into arrays, and their comparison with the golden model."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from amaranth.lib import data

from ...hw.parts.events import mask_layout
from ...hw.plan import CorePlan
from ...hw.readout.result import RESULT
from ...numerics.differences import first_difference
from ...numerics.errors import TwinspikeError
from ...numerics.events import TICK
from ..golden import Results, Trace
from .bench import log_name


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """The first difference of a run."""

    frame: int
    step: int
    layer: int | str
    neuron: int
    golden: int
    got: int

    def __str__(self) -> str:
        return (
            f"first mismatch (frame, step, layer, neuron, golden, got) = "
            f"({self.frame}, {self.step}, {self.layer}, {self.neuron}, {self.golden}, {self.got})"
        )


@dataclasses.dataclass(frozen=True)
class Observed:
    """What the bench saw: spikes bool [T, B, N] a layer, the same of `m_axis`, results, cycles [B].

    `layers` is empty where the bench did not look inside the core.
    """

    layers: tuple[np.ndarray, ...]
    axis: np.ndarray
    results: Results
    started: np.ndarray
    finished: np.ndarray
    faults: list[tuple[int, int]]

    @classmethod
    def joined(cls, parts: Sequence["Observed"]) -> "Observed":
        """One after the other; clocks and faults count from each part's own reset."""
        results = (
            np.concatenate([getattr(part.results, field.name) for part in parts])
            for field in dataclasses.fields(Results)
        )
        return cls(
            tuple(np.concatenate(trains, axis=1) for trains in zip(*(p.layers for p in parts), strict=True)),
            np.concatenate([part.axis for part in parts], axis=1),
            Results(*results),
            np.concatenate([part.started for part in parts]),
            np.concatenate([part.finished for part in parts]),
            [fault for part in parts for fault in part.faults],
        )


def read_log(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(cycles int64 [L], bits bool [L, 4 * digits], lowest bit first) of one log."""
    text = path.read_bytes()
    if not text:
        return np.zeros(0, np.int64), np.zeros((0, 0), bool)
    width = text.find(b"\n") + 1
    if width == 0 or len(text) % width:
        raise TwinspikeError(f"{path}: the log is torn: run the simulation again")
    lines = np.frombuffer(text, dtype=np.uint8).reshape(-1, width)
    cycles = _column(lines[:, :10])
    digits = lines[:, 11:-1]
    value = np.where(digits >= ord("a"), digits - ord("a") + 10, digits - ord("0")).astype(np.uint8)
    if (value > 15).any():
        line = int(np.nonzero((value > 15).any(axis=1))[0][0])
        raise TwinspikeError(f"{path}: line {line + 1} holds an undefined value: {bytes(lines[line])!r}")
    bits = (value[:, ::-1, None] >> np.arange(4, dtype=np.uint8)) & 1
    return cycles, bits.reshape(len(lines), -1).astype(bool)


def _column(characters: np.ndarray) -> np.ndarray:
    """Right-aligned decimal numbers in a block of characters [L, places]."""
    digits = np.where(characters == ord(" "), 0, characters.astype(np.int64) - ord("0"))
    return digits @ 10 ** np.arange(characters.shape[1] - 1, -1, -1, dtype=np.int64)


def integers(bits: np.ndarray) -> np.ndarray:
    """bool [L, up to 63], lowest bit first -> int64 [L]."""
    return bits.astype(np.int64) @ (1 << np.arange(bits.shape[1], dtype=np.int64))


def _field(bits: np.ndarray, layout: data.Layout, name: str) -> np.ndarray:
    """The bits of one field of a logged payload: bool [L, width]."""
    field = layout[name]
    return bits[:, field.offset : field.offset + field.width]


def observe(
    plan: CorePlan, folder: Path, run: int, frames: int, *, sound: bool = True, inside: bool = True
) -> Observed:
    """Read the logs of run `run`. Raises TwinspikeError if a log does not hold `frames` frames.

    Unless the stream was `sound`, where its frames began means nothing; not `inside`, no layer was logged.
    """
    timesteps = plan.network.timesteps
    layers = []
    for index, layer in enumerate(plan.layers if inside else ()):
        name = log_name(run, f"layer{index}")
        _, bits = read_log(folder / name)
        layout = mask_layout(layer.lanes, layer.words)
        mask, word = _field(bits, layout, "mask"), integers(_field(bits, layout, "word"))
        end = _field(bits, layout, "end")[:, 0]
        steps = np.cumsum(end) - end
        _expect(name, int(end.sum()), frames * timesteps, "steps")
        table = np.zeros((frames * timesteps, layer.words, layer.lanes), dtype=bool)
        table[steps, word] |= mask
        flat = table.reshape(frames, timesteps, -1)[:, :, layer.positions]
        layers.append(flat.transpose(1, 0, 2))

    name = log_name(run, "spikes")
    _, bits = read_log(folder / name)
    words = integers(bits[:, :17])
    tick = (words & TICK) != 0
    _expect(name, int(tick.sum()), frames * timesteps, "TICKs")
    position = np.flatnonzero((words >> 16) == 1)
    if not np.array_equal(np.cumsum(tick)[position], np.arange(1, frames + 1) * timesteps):
        raise TwinspikeError(f"{name}: tlast is not on the T-th TICK of every frame")
    strays = np.flatnonzero(~tick & (words >= plan.network.outputs))
    if len(strays):
        raise TwinspikeError(
            f"{name}: address {words[strays[0]]} is beyond the {plan.network.outputs} outputs"
        )
    if not tick[-1]:
        raise TwinspikeError(f"{name}: an event follows the last frame's last TICK")
    axis = np.zeros((frames * timesteps, plan.network.outputs), dtype=bool)
    axis[(np.cumsum(tick) - tick)[~tick], words[~tick]] = True

    name = log_name(run, "result")
    finished, bits = read_log(folder / name)
    _expect(name, len(finished), frames, "results")
    started, _ = read_log(folder / log_name(run, "start"))
    if sound:
        _expect(log_name(run, "start"), len(started), frames, "frames")
    results = Results(
        distance=integers(_field(bits, RESULT, "distance")),
        runner_up=integers(_field(bits, RESULT, "runner_up")),
        label=integers(_field(bits, RESULT, "label")),
        same=_field(bits, RESULT, "same")[:, 0],
        own=_field(bits, RESULT, "own")[:, 0],
    )
    cycles, code = read_log(folder / log_name(run, "fault"))
    faults = list(zip(cycles.tolist(), integers(code).tolist(), strict=True)) if len(cycles) else []
    outputs = axis.reshape(frames, timesteps, -1).transpose(1, 0, 2)
    return Observed(tuple(layers), outputs, results, started, finished, faults)


def compare(
    golden: Trace, got: Observed, numbers: Sequence[int] | None = None
) -> tuple[int, int, Mismatch | None]:
    """(spike positions compared, how many differ, the first difference) over layers, m_axis, results.

    Of a core that was not seen inside, m_axis and results alone. `numbers` says which layer of the network
    each of the core's is, where these are not all of them.
    """
    trains = golden.spikes if numbers is None else [golden.spikes[number] for number in numbers]
    layers = zip(trains, got.layers, strict=True) if got.layers else ()
    pairs: list[tuple[int | str, np.ndarray, np.ndarray]] = [
        *((i, a, b) for i, (a, b) in enumerate(layers)),
        ("m_axis", golden.spikes[-1], got.axis),
    ]
    compared, wrong, first = 0, 0, None
    for layer, ours, theirs in pairs:
        compared += ours.size
        wrong += int((ours != theirs).sum())
        if first is None and (where := first_difference(ours, theirs)):
            frame, step, neuron = where
            at = (step, frame, neuron)
            first = Mismatch(frame, step, layer, neuron, int(ours[at]), int(theirs[at]))
    for field in dataclasses.fields(Results):
        ours, theirs = getattr(golden.results, field.name), getattr(got.results, field.name)
        differs = np.flatnonzero(ours != theirs)
        if len(differs) and first is None:
            frame = int(differs[0])
            first = Mismatch(frame, -1, f"result.{field.name}", -1, int(ours[frame]), int(theirs[frame]))
        wrong += len(differs)
    return compared, wrong, first


def _expect(name: str, found: int, expected: int, what: str) -> None:
    if found != expected:
        raise TwinspikeError(f"{name} holds {found} {what}, expected {expected}")
