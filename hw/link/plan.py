"""What a link is made for: the sizes of its buffer, its answers and its patience, from the core's plan."""

import dataclasses

from ...numerics.link import HEAD_BYTES, NONCE_BYTES, OPENED_BYTES, VERSION, Opened, spike_bytes
from ..bus.registers import REGISTERS
from ..plan import CorePlan

# The record of a frame is a burst of registers.
RECORD_FIRST, RECORD_LAST = "FRAMES", "RUNNER_UP"
LENGTH_BYTES = 2
ANSWER_HEAD = LENGTH_BYTES + HEAD_BYTES


@dataclasses.dataclass(frozen=True)
class LinkPlan:
    """Bytes of the request buffer, how many answers are kept and in how many bytes each; powers of two.

    `kept_answers` - 1 requests may wait for answers. `patience_bits`: a core that stands still for 2^bits
    clocks is given up. `values`: packed events may hold VALUE words.
    """

    buffer_bytes: int
    kept_answers: int
    kept_bytes: int
    outputs: int
    pixels: bool
    values: bool
    patience_bits: int
    clock_mhz: int = 0

    @property
    def answer_words(self) -> int:
        return min((self.kept_bytes - ANSWER_HEAD) // 4, 255)

    @property
    def record_address(self) -> int:
        return _offset(RECORD_FIRST) // 4

    @property
    def record_words(self) -> int:
        return record_words()

    @property
    def control_address(self) -> int:
        return _offset("CONTROL") // 4

    @property
    def opened(self) -> Opened:
        return Opened(
            VERSION,
            self.kept_answers - 1,
            self.buffer_bytes.bit_length() - 1,
            self.answer_words,
            self.clock_mhz,
        )


def record_words() -> int:
    return (_offset(RECORD_LAST) - _offset(RECORD_FIRST)) // 4 + 1


def link_plan(
    plan: CorePlan, *, buffer_bytes: int = 1024, answer_bytes: int = 512, clock_mhz: int = 0
) -> LinkPlan:
    """The link for a core: `answer_bytes` of kept answers as long as two or more fit, else more."""
    network = plan.network
    longest = max(
        4 * record_words() + spike_bytes(network.timesteps, network.outputs), NONCE_BYTES + OPENED_BYTES
    )
    kept_bytes = 1 << (ANSWER_HEAD + longest - 1).bit_length()
    # The longest that a core can be silent: every input in every step, all of it in the busiest layer.
    steps = network.timesteps * (max(network.inputs, *(x.neurons for x in plan.layers)) + 8)
    clocks = steps * max(max(x.words, 8) for x in plan.layers)
    return LinkPlan(
        buffer_bytes=buffer_bytes,
        kept_answers=max(2, min(answer_bytes // kept_bytes, 32)),
        kept_bytes=kept_bytes,
        outputs=network.outputs,
        pixels=plan.pixels,
        values=plan.most > 1,
        patience_bits=max(16, clocks.bit_length() + 1),
        clock_mhz=clock_mhz,
    )


def _offset(name: str) -> int:
    return next(register.offset for register in REGISTERS if register.name == name)
