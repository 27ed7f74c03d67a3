"""A board with a core on it: classify, embed, enrol, verify."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from ..numerics import emd
from ..numerics.commands import NO_LABEL
from ..numerics.decision import enrolled_threshold
from ..numerics.errors import out_of_range
from ..numerics.link import spike_bytes, unpack_spikes
from . import references, registers, weights
from .errors import DeviceError
from .frames import event_frames
from .info import Answer, Slot
from .live import TimedRun, step_requests, stop_timer
from .session import Session


class Device(Session):
    """A session with a board; use it as a context manager.

    Images are uint8 [B, *shape], or [*shape] for one; the host turns them into events by the network's own
    encoding, for which it needs `network`, or with `pixels` the chip does, where it has an encoder. Methods
    that take several images give answers as they come. Raises LinkError (the line), DeviceError
    (the board's answer) and TwinspikeError (the arguments).
    """

    # Frames.

    def classify(self, images: np.ndarray, *, pixels: bool = False) -> Iterator[Answer]:
        """The nearest reference of each image."""
        for answer in self._run(self._requests(images, pixels), "CLASSIFY"):
            yield answer[0]

    def classify_events(self, frames: Iterable[np.ndarray]) -> Iterator[Answer]:
        """The same for frames of event words, TICKs included, addresses ascending inside a step."""
        requests = event_frames(self._channel, frames, values=self._values())
        for answer in self._run(requests, "CLASSIFY"):
            yield answer[0]

    def classify_live(
        self, frames: Iterable[np.ndarray], due: Callable[[int], float], clock: Callable[[], float]
    ) -> Iterator[Answer]:
        """The same for frames of spikes bool [T, N], each step sent when it is over, not earlier.

        `due(k)`: when step k (0, 1, ... over all frames) is over, in seconds of `clock`. The host makes the
        TICKs, so each event is in the step in which the caller has it; how late it is sent changes no
        answer. Answers come as soon as the core gives them.
        """
        for answer in self._run(step_requests(self._channel, frames, due, clock), "CLASSIFY"):
            yield answer[0]

    @contextmanager
    def by_timer(self, period: int) -> Iterator[TimedRun]:
        """A core's step timer, running while the context lasts: events go in as they come, without TICKs.

        `period`: clocks of a step. A frame begins with its first event and lasts T steps; which step an event
        is in is for the core's clock and the line to decide. Afterwards the core is as after a reset. Raises
        DeviceError if the core has no timer.
        """
        if not self.info.timer:
            raise DeviceError("this core has no step timer: build it with hardware.step_timer")
        if not 0 < period < 1 << 32:
            raise out_of_range("period", period, "clocks of a step, 1..2^32 - 1")
        weights.wait(self._channel)
        self._command("CLASSIFY")
        try:
            yield TimedRun(self._channel, period)
        finally:
            stop_timer(self._channel)

    def embed(self, images: np.ndarray, *, pixels: bool = False) -> Iterator[tuple[np.ndarray, Answer]]:
        """Output spikes bool [T, n_out] of each image, and its answer."""
        size = spike_bytes(self.info.timesteps, self.info.outputs)
        for answer, payload in self._run(self._requests(images, pixels, spikes=True), "CLASSIFY"):
            yield unpack_spikes(payload[:size], self.info.timesteps, self.info.outputs), answer

    def enrol(
        self,
        slot: int,
        label: int,
        image: np.ndarray,
        *,
        threshold: int | None = None,
        pixels: bool = False,
    ) -> Answer:
        """Make one image's embedding the reference of a slot; what the slot held is given up.

        `threshold`: up to which distance frames are the same as it; None: the device's own serves it.
        Returns the answer to the image among the references that there were. If the core refuses,
        DeviceError is raised and the slot stays as it was.
        """
        self._check_slot(slot)
        _check_label(label)
        self._clear_errors()
        requests = list(self._requests(image, pixels))
        (answer,) = (found for found, _ in self._run(iter(requests), "ENROL"))
        self._commit(slot, label, threshold)
        self._command("CLASSIFY")
        self._raise_errors(f"enrolling in slot {slot}")
        return answer

    def enrol_median(
        self,
        slot: int,
        label: int,
        images: np.ndarray,
        *,
        threshold: int | None = None,
        pixels: bool = False,
    ) -> None:
        """Make the element-wise median of several images' embeddings the reference of a slot.

        It is the one reference that lies nearest to all of them. The core computes the embeddings, the host
        their median, which it writes to the staged copy; the slot keeps what it holds until the COMMIT that
        exchanges both, whatever happens before.
        """
        self._check_slot(slot)
        spikes = np.stack([found for found, _ in self.embed(images, pixels=pixels)], axis=1)
        median = emd.median_reference(emd.cumulative_counts(spikes))
        self.write_reference(slot, label, median.astype(np.int64), threshold=threshold)

    def fit_threshold(self, slot: int, images: np.ndarray, *, pixels: bool = False) -> int:
        """Give a slot the threshold that its own images and the slots of other labels suggest.

        See numerics/decision.py: the images' spread, and as impostors the references that other slots hold
        under other labels. The slot's reference is written anew, in one exchange. Returns the threshold.
        """
        label, holds = self.reference(slot)
        if not holds:
            raise DeviceError(f"slot {slot} is empty: enrol into it first")
        counts = self.read_reference(slot)
        own = np.array(
            [emd.emd(emd.cumulative_counts(s), counts) for s, _ in self.embed(images, pixels=pixels)]
        )
        others = [
            emd.emd(self.read_reference(other.number), counts)
            for other in self.slots()
            if other.holds and other.label != label
        ]
        threshold = enrolled_threshold(own, np.array(others, np.int64), self.threshold)
        self.write_reference(slot, label, counts, threshold=threshold)
        return threshold

    def verify(self, slot: int, images: np.ndarray, *, pixels: bool = False) -> Iterator[Answer]:
        """The distance of each image to the reference of a slot, and whether it is below the threshold."""
        if not self.reference(slot)[1]:
            raise DeviceError(f"slot {slot} is empty: enrol into it first")
        for answer in self._run(self._requests(images, pixels), "VERIFY", slot):
            yield answer[0]

    # References.

    def clear(self, slot: int) -> None:
        """Empty a slot."""
        self._check_slot(slot)
        self._command("CLEAR", slot)

    def reference(self, slot: int) -> tuple[int, bool]:
        """Label of a slot, and whether it holds a reference."""
        self._check_slot(slot)
        return references.state(self._channel, slot)

    def slots(self) -> list[Slot]:
        """Every slot with what it holds; none for a core whose references are fixed."""
        return [
            Slot(number, *self.reference(number), references.threshold(self._channel, number))
            for number in range(self.info.slots)
        ]

    def free_slot(self) -> int | None:
        """The first slot that holds nothing; None if all of them hold references."""
        self._check_slot(0)
        return next((slot for slot in range(self.info.slots) if not self.reference(slot)[1]), None)

    def read_reference(self, slot: int) -> np.ndarray:
        """The cumulative counts of a slot, int64 [T, n_out]."""
        self._check_slot(slot)
        return references.read(self._channel, slot, (self.info.timesteps, self.info.outputs))

    def write_reference(
        self, slot: int, label: int, counts: np.ndarray, *, threshold: int | None = None
    ) -> None:
        """Put cumulative counts [T, n_out] into a slot, such as the host has kept from `read_reference`."""
        self._check_slot(slot)
        _check_label(label)
        self._clear_errors()
        references.stage(self._channel, counts, (self.info.timesteps, self.info.outputs))
        self._commit(slot, label, threshold)
        self._raise_errors(f"writing slot {slot}")

    def _commit(self, slot: int, label: int, threshold: int | None) -> None:
        """Exchange a slot with the staged copy, under this label and threshold."""
        if threshold is not None and not 0 <= threshold < 1 << 31:
            raise out_of_range("threshold", threshold, "an integer in 0..2^31 - 1")
        own = threshold is not None
        registers.write(self._channel, "COMMIT_THRESHOLD", own=own, threshold=threshold or 0)
        self._command("COMMIT", slot, label)

    def _check_slot(self, slot: int) -> None:
        if not self.info.slots:
            raise DeviceError(
                "this core's references are fixed: build it with hardware.slots to enrol and verify"
            )
        if not 0 <= slot < self.info.slots:
            raise out_of_range("slot", slot, f"an integer in 0..{self.info.slots - 1}")


def _check_label(label: int) -> None:
    if not 0 <= label < NO_LABEL:
        raise out_of_range("label", label, f"an integer in 0..{NO_LABEL - 1}")
