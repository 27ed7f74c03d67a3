"""A board in simulation learns five characters from one drawing each, and is asked about others' drawings."""

import base64
from dataclasses import asdict, dataclass
from html import escape
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from twinspike.boards.steps import PATIENCE, simulated
from twinspike.config import Config
from twinspike.flow.folders import Folders
from twinspike.host import Device
from twinspike.model.data.omniglot import Characters, load_characters
from twinspike.model.data.shipped import OMNIGLOT, omniglot_folder
from twinspike.numerics import emd
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import replacing_folder, write_atomically, write_json
from twinspike.numerics.progress import Bar
from twinspike.quant.network import Network
from twinspike.sim.golden import run
from twinspike.sim.siamese import Reference, SiameseCore

ENROLLED, STRANGERS, ASKED = 5, 2, 5  # characters enrolled, others, and drawings of each that are asked about
_CELL, _GAP, _MARGIN = 64, 6, 4
_COLOURS = {"right": (46, 125, 50), "wrong": (198, 40, 40), "unknown": (120, 120, 120), "": (30, 30, 30)}


@dataclass(frozen=True)
class Question:
    """A drawing of character `truth`, -1: of one that was not enrolled; `answer` likewise, -1: unknown."""

    truth: int
    answer: int
    nearest: int
    distance: int

    @property
    def verdict(self) -> str:
        return "right" if self.answer == self.truth else "unknown" if self.answer < 0 else "wrong"


def demonstrate(config: Config, place: Folders, name: str, baud: int, seed: int = 0) -> bool:
    """Enrol, ask, and write picture and page; returns whether every answer is the golden model's.

    Raises TwinspikeError for a configuration that did not train on Omniglot's background.
    """
    if config.dataset != OMNIGLOT:
        raise TwinspikeError(
            f"enrol-demo: {config.name} trains on {config.dataset}; choose one of {OMNIGLOT}"
        )
    known, asked, truth = _drawn(load_characters(omniglot_folder(), "evaluation"), seed)
    network, running = simulated(config, place, name, baud, "uart")
    with running, Device.open(running.port, network=network, timeout=PATIENCE) as device:
        for number in range(device.info.slots):
            device.clear(number)
        slots: list[int] = []
        for label, drawing in enumerate(Bar(known, desc="enrolled")):
            slot = device.free_slot()
            if slot is None:
                raise TwinspikeError(
                    f"enrol-demo: the core has {device.info.slots} slots, {ENROLLED} are needed"
                )
            device.enrol(slot, label, drawing)
            slots.append(slot)
        for number, drawing in zip(slots, known, strict=True):
            device.fit_threshold(number, drawing)
        answers = list(Bar(device.classify(asked), total=len(asked), desc="asked"))
        holding = [found for found in device.slots() if found.holds]
        held = {
            found.number: Reference(device.read_reference(found.number), found.label, found.threshold)
            for found in Bar(holding, desc="references read back")
        }
    wanted = _golden(network, held, asked)
    found = [(a.label, a.distance, a.runner_up, a.same) for a in answers]
    differ = sum(a != b for a, b in zip(found, wanted, strict=True))
    questions = [
        Question(int(t), a.label if a.same else -1, a.label, a.distance)
        for t, a in zip(truth, answers, strict=True)
    ]
    text = _said(questions, differ)
    folder = place.build / "enrol-demo"
    with replacing_folder(folder) as work:
        _write(work, text, _picture(known, asked, questions), questions, differ, network)
    print(f"{text}\n{folder / 'index.html'}")
    return not differ


def _drawn(characters: Characters, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One drawing each of some characters, drawings by others, and which character each of those shows."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(characters.alphabets), ENROLLED + STRANGERS, replace=False)
    known, asked, truth = [], [], []
    for number, character in enumerate(chosen):
        own = rng.permutation(np.flatnonzero(characters.character == character))
        if number < ENROLLED:
            known.append(own[0])
        asked += own[1 : 1 + ASKED].tolist()
        truth += [number if number < ENROLLED else -1] * ASKED
    return characters.images[known], characters.images[asked], np.array(truth)


def _golden(network: Network, held: dict[int, Reference], asked: np.ndarray) -> list[tuple]:
    core = SiameseCore(network, max(len(network.references.labels), *held) + 1)
    core.holds = [slot in held for slot in range(len(core.holds))]
    for slot, reference in held.items():
        core.slots[slot] = reference
    counts = emd.cumulative_counts(run(network, network.encode(asked)).spikes[-1])
    answers = [core.frame(frame) for frame in counts.transpose(1, 0, 2)]
    return [(a.label, a.distance, a.runner_up, a.same) for a in answers]


def _said(questions: list[Question], differ: int) -> str:
    known = [q for q in questions if q.truth >= 0]
    new = [q for q in questions if q.truth < 0]
    verdicts = {kind: sum(q.verdict == kind for q in known) for kind in ("right", "wrong", "unknown")}
    return (
        f"{ENROLLED} characters enrolled with one drawing each; of {len(known)} drawings of them by other "
        "people "
        + ", ".join(f"{count} {kind}" for kind, count in verdicts.items())
        + f" (nearest is right: {sum(q.nearest == q.truth for q in known)}); of {len(new)} drawings of other "
        f"characters {sum(q.verdict == 'right' for q in new)} answered as unknown; {len(questions)} answers "
        f"compared with the golden model, {differ} differ"
    )


def _picture(known: np.ndarray, asked: np.ndarray, questions: list[Question]) -> Image.Image:
    """A row for each character: what it was enrolled by, then what was asked, framed by what came out."""
    rows, step = len(asked) // ASKED, _CELL + _GAP
    picture = Image.new("RGB", ((ASKED + 1) * step + 2 * _GAP, rows * step + _GAP), (255, 255, 255))
    draw = ImageDraw.Draw(picture)

    def put(row: int, column: int, drawing: np.ndarray | None, kind: str, text: str) -> None:
        x, y = _GAP + column * step + (_GAP if column else 0), _GAP + row * step
        draw.rectangle((x, y, x + _CELL - 1, y + _CELL - 1), fill=_COLOURS[kind])
        if drawing is not None:
            inner = Image.fromarray(255 - drawing).resize((_CELL - 2 * _MARGIN,) * 2)
            picture.paste(inner.convert("RGB"), (x + _MARGIN, y + _MARGIN))
        draw.text((x + _MARGIN + 2, y + _MARGIN), text, fill=_COLOURS[kind])

    for row in range(rows):
        own = row < ENROLLED
        put(row, 0, known[row] if own else None, "", chr(ord("A") + row) if own else "")
        for column in range(ASKED):
            question = questions[row * ASKED + column]
            text = "?" if question.answer < 0 else chr(ord("A") + question.answer)
            put(row, column + 1, asked[row * ASKED + column], question.verdict, text)
    return picture


def _write(
    folder: Path, text: str, picture: Image.Image, questions: list[Question], differ: int, network: Network
) -> None:
    data = BytesIO()
    picture.save(data, "PNG")
    write_atomically(folder / "grid.png", data.getvalue())
    image = base64.b64encode(data.getvalue()).decode()
    write_atomically(
        folder / "index.html",
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Enrolment</title>"
        "<style>body{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto}img{image-rendering:pixelated}"
        f"</style><h1>Characters enrolled on a board</h1><p>{escape(text)}.</p>"
        f"<img alt='{escape(text)}' src='data:image/png;base64,{image}'>"
        "<p>First column: the drawing that each character was enrolled by; the last rows show characters "
        "that were not. Green: right; red: wrong; grey: unknown, though it was enrolled. The letter is the "
        f"answer, ? is unknown.</p><p>Network {escape(network.name)}, {network.content_hash[:16]}.</p></html>"
        "\n",
    )
    rows = [asdict(question) | {"verdict": question.verdict} for question in questions]
    write_json(
        folder / "enrol.json", {"questions": rows, "different": differ, "network_hash": network.content_hash}
    )
