"""What the models of serial and wide cores share: a queue of events with the clocks at which they move."""


class Sink:
    """A consumer behind a skid buffer that is always ready: the output stream."""

    def __init__(self) -> None:
        self.taken = self.taken_before = -1

    def room(self) -> int:
        """First clock in which the skid buffer before this station accepts another item."""
        return self.taken_before + 1

    def accept(self, entered: int, tick: bool) -> None:
        """An item enters the skid buffer at `entered`."""
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1)


def emit_word(
    taken: int, spikes: int, emitted: int, entered: int, consumer: "Sink", *, end: bool
) -> tuple[int, int]:
    """The encoder's time for a word taken: its spikes, and a TICK if it ends the step, one a clock.

    `emitted` and `entered` are those of the event before, and of the last one when it returns: when
    it left the encoder's first stage, when it entered the skid buffer.
    """
    events = spikes + end
    for i in range(events):
        emitted = max(taken + 1 if i == 0 else emitted + 1, entered)
        entered = max(emitted + 1, consumer.room())
        consumer.accept(entered, tick=end and i == events - 1)
    return emitted, entered
