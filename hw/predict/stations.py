"""What the models of serial and wide cores share: a queue of events with the clocks at which they move."""


class Sink:
    """A consumer behind a skid buffer that is always ready: the output stream."""

    def __init__(self) -> None:
        self.taken = self.taken_before = -1

    def room(self) -> int:
        """First clock in which the skid buffer before this station accepts another item."""
        return self.taken_before + 1

    def drop(self, entered: int) -> None:
        """A word that ends in the skid buffer's consumer, and is no event, enters the buffer at `entered`."""
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1)

    def accept(self, entered: int, address: int | None) -> None:
        """An event, or a TICK (no address), enters the skid buffer at `entered`."""
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1)


def emit_word(
    taken: int, spikes: list[int], emitted: int, entered: int, consumer: Sink, *, end: bool
) -> tuple[int, int]:
    """The encoder's time for a word taken: the addresses of its spikes, and a TICK if it ends the step.

    One event or TICK per clock. `emitted` and `entered` are those of the event before, and of the last one
    when it returns: when it left the encoder's first stage, when it entered the skid buffer.
    """
    for i, address in enumerate([*spikes, *([None] if end else [])]):
        emitted = max(taken + 1 if i == 0 else emitted + 1, entered)
        entered = max(emitted + 1, consumer.room())
        consumer.accept(entered, address)
    return emitted, entered
