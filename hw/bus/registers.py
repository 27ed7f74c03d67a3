"""The register map of a core behind a bus: one table for gateware, documents and host programs.

32-bit registers at byte offsets, little-endian. Whatever the table does not name reads as zero and
ignores writes.
"""

from ...numerics.commands import COMMANDS, NO_LABEL, STAGED_SLOT
from ..core.ingress import ERRORS
from .fields import Field, Register

ADDRESS_BITS = 12  # of a byte address: the map takes 4 KiB of the bus
IDENTIFICATION = int.from_bytes(b"TSPK", "little")
MAP_VERSION = (1, 3)

# Flags of the registers' own ports, from bit 8 of ERRORS on.
PORT_ERRORS = (
    ("event_overflow", "EVENT was written while it was full: the word was lost"),
    ("pixel_overflow", "PIXEL was written while PIXEL_SPACE was 0: the pixel was lost"),
    (
        "pixel_last",
        "`last` came with another pixel than a frame's last one, or not with that: the frame was "
        "dropped, up to and with the pixel of `last`",
    ),
    (
        "load_overflow",
        "LOAD was written while the word before still waited, for frames to leave the core, or "
        "while MODE.load_by_register was 0: the word was lost",
    ),
)
# Flags of commands, from bit 16 on. A command that sets one of them changes nothing.
COMMAND_ERRORS = (
    ("command_unknown", "COMMAND was written with a command that this core does not have"),
    (
        "command_busy",
        "COMMAND, REFERENCE_AT, STAGE or COMMIT_THRESHOLD was written while a frame or a command was in "
        "the core",
    ),
    ("slot_range", "a command named a slot that this core does not have"),
    ("nothing_staged", "COMMIT without counts of a whole, sound frame (or of STAGE) to commit"),
    ("reference_range", "REFERENCE_AT named a neuron, step or slot that is not there, or STAGE a count > T"),
)


def _errors() -> tuple[Field, ...]:
    found = [Field(name, bit, 1, "w1c", text) for bit, (name, text) in enumerate(ERRORS)]
    own = [Field(name, 8 + bit, 1, "w1c", text) for bit, (name, text) in enumerate(PORT_ERRORS)]
    refused = [Field(name, 16 + bit, 1, "w1c", text) for bit, (name, text) in enumerate(COMMAND_ERRORS)]
    return (*found, *own, *refused)


REGISTERS = (
    Register("ID", 0x00, (Field("id", 0, 32, "ro", "the characters TSPK, T in the lowest byte"),)),
    Register(
        "VERSION",
        0x04,
        (
            Field("minor", 0, 16, "ro", "of this map: more registers or fields than before"),
            Field("major", 16, 16, "ro", "of this map: others than before"),
        ),
    ),
    Register(
        "HASH_LOW",
        0x08,
        (Field("hash", 0, 32, "ro", "lower half of the network hash"),),
        "The network hash is the first 64 bits of the network file's SHA-256.",
    ),
    Register("HASH_HIGH", 0x0C, (Field("hash", 0, 32, "ro", "upper half of the network hash"),)),
    Register(
        "SHAPE",
        0x10,
        (
            Field("inputs", 0, 16, "ro", "input addresses"),
            Field("outputs", 16, 16, "ro", "output neurons"),
        ),
    ),
    Register(
        "FRAME",
        0x14,
        (
            Field("timesteps", 0, 10, "ro", "T: TICKs of a frame"),
            Field("references", 16, 16, "ro", "K: stored references"),
        ),
    ),
    Register(
        "CONTROL",
        0x18,
        (
            Field(
                "soft_reset",
                0,
                1,
                "wo",
                "1 resets the core: frames in progress, event port, results, errors "
                "and counters, the mode of COMMAND and the staged copy; MODE, INTERRUPT, "
                "THRESHOLD, reference "
                "slots and loaded weights stay",
            ),
            Field(
                "reload", 1, 1, "wo", "1 asks the flash loader for the weight image again, where there is one"
            ),
        ),
    ),
    Register(
        "MODE",
        0x1C,
        (
            Field(
                "hold_results",
                0,
                1,
                "rw",
                "1: the core waits while a result is waiting here, so none is "
                "missed; 0: a newer result takes its place",
            ),
            Field(
                "load_by_register",
                1,
                1,
                "rw",
                "1: the weight image comes through LOAD, and the load stream waits; 0: the other way round",
            ),
        ),
    ),
    Register(
        "STATUS",
        0x20,
        (
            Field("weights_loaded", 0, 1, "ro", "the weights are in place; frames wait until they are"),
            Field("busy", 1, 1, "ro", "a frame is in the core or in the event port"),
            Field("result", 2, 1, "w1c", "a result is waiting in LABEL, DISTANCE and RUNNER_UP"),
            Field(
                "image_foreign", 3, 1, "ro", "the last weight image was refused: it is none for this network"
            ),
            Field(
                "image_damaged", 4, 1, "ro", "the last weight image was refused: too short or its CRC differs"
            ),
        ),
    ),
    Register("ERRORS", 0x24, _errors()),
    Register(
        "INTERRUPT",
        0x28,
        (
            Field("on_result", 0, 1, "rw", "`irq` is high while a result is waiting"),
            Field("on_error", 1, 1, "rw", "`irq` is high while an error flag is set"),
        ),
    ),
    Register(
        "THRESHOLD",
        0x2C,
        (
            Field(
                "threshold",
                0,
                32,
                "rw",
                "`same` is distance <= threshold, for results that come after the write and references "
                "without a threshold of their own; reset gives the network's",
            ),
        ),
    ),
    Register("FRAMES", 0x30, (Field("frames", 0, 32, "ro", "results given since reset, modulo 2^32"),)),
    Register(
        "CYCLES",
        0x34,
        (
            Field(
                "cycles",
                0,
                32,
                "ro",
                "clocks from a frame's first event word taken to its result, of the "
                "last frame measured: one that begins while another is being measured is passed over",
            ),
        ),
    ),
    Register(
        "EVENT",
        0x38,
        (
            Field(
                "word",
                0,
                16,
                "wo",
                "event word: an address, or bit 15 for a TICK; a write that reaches both "
                "bytes of it sends the word",
            ),
            Field("last", 16, 1, "wo", "set on the frame's last TICK"),
        ),
        "A frame that was begun here keeps the event stream waiting until it ends, and the other way round.",
    ),
    Register("EVENT_SPACE", 0x3C, (Field("space", 0, 16, "ro", "words that EVENT takes before it is full"),)),
    Register(
        "LABEL",
        0x40,
        (
            Field("label", 0, 16, "ro", f"label of the last result; 0x{NO_LABEL:x}: no reference to meet"),
            Field("same", 16, 1, "ro", "its distance was within the threshold; 0: whose it is is unknown"),
        ),
    ),
    Register("DISTANCE", 0x44, (Field("distance", 0, 32, "ro", "distance of the last result"),)),
    Register("RUNNER_UP", 0x48, (Field("runner_up", 0, 32, "ro", "the runner-up's distance"),)),
    Register(
        "COMMAND",
        0x80,
        (
            Field("command", 0, 8, "wo", ", ".join(f"{i} {name}" for i, name in enumerate(COMMANDS))),
            Field("slot", 8, 8, "wo", "of VERIFY, COMMIT and CLEAR"),
            Field("label", 16, 16, "wo", "of COMMIT"),
        ),
        "COMMAND: CLASSIFY, EMBED, ENROL and VERIFY set the mode of the frames that follow. All of them give "
        "a result: the nearest of the slots that hold a reference, in VERIFY's frames of its slot "
        "alone; with "
        f"nothing to compare, label 0x{NO_LABEL:x}, distances of all ones and not `same`. Frames "
        "of EMBED and "
        "ENROL also leave their cumulative output counts in the staged copy, for REFERENCE to read. COMMIT "
        "puts the staged copy of an ENROL frame in place as the reference of a slot, and what the slot held "
        "becomes the staged copy; CLEAR empties a slot. COMMAND, REFERENCE_AT and STAGE act on writes of all "
        "four bytes.",
    ),
    Register(
        "COMMAND_STATUS",
        0x84,
        (
            Field("mode", 0, 8, "ro", "command that set the mode of the next frame"),
            Field("slot", 8, 8, "ro", "slot of the last VERIFY"),
            Field("staged", 16, 1, "ro", "a whole, sound frame of ENROL (or STAGE) waits for COMMIT"),
            Field(
                "busy", 17, 1, "ro", "a command, REFERENCE_AT, STAGE or COMMIT_THRESHOLD is being carried out"
            ),
        ),
    ),
    Register(
        "FEATURES",
        0x88,
        (
            Field("slots", 0, 8, "ro", "reference slots; 0: references are fixed and there are no commands"),
            Field("pixels", 16, 1, "ro", "this core has an encoder: PIXEL takes frames"),
            Field("loads", 17, 1, "ro", "this core's weights are loaded at run time"),
            Field("timer", 18, 1, "ro", "this core can make its TICKs itself: STEP_TIMER"),
        ),
    ),
    Register(
        "REFERENCE_AT",
        0x8C,
        (
            Field("neuron", 0, 16, "wo", "output neuron"),
            Field("step", 16, 8, "wo", "time step"),
            Field("slot", 24, 8, "wo", f"slot, or {STAGED_SLOT} for the staged copy"),
        ),
        "REFERENCE_AT chooses a word of a reference: REFERENCE holds it once COMMAND_STATUS.busy is 0, a few "
        "clocks later.",
    ),
    Register(
        "REFERENCE",
        0x90,
        (
            Field(
                "count", 0, 8, "ro", "cumulative count of the chosen neuron, up to and with the chosen step"
            ),
            Field("holds", 8, 1, "ro", "the slot holds a reference"),
            Field("label", 16, 16, "ro", "label of the slot"),
        ),
    ),
    Register(
        "STAGE",
        0x94,
        (
            Field(
                "count",
                0,
                8,
                "wo",
                "written to the staged copy at the neuron and step of REFERENCE_AT, which "
                "then advance, neurons first",
            ),
        ),
        "STAGE restores a reference: write REFERENCE_AT = 0xff000000, all T * N counts in order, "
        "then COMMIT. "
        "The last one sets COMMAND_STATUS.staged.",
    ),
    Register(
        "LOAD",
        0x98,
        (
            Field(
                "word", 0, 16, "wo", "word of the weight image; a write that reaches both its bytes sends it"
            ),
            Field(
                "last",
                16,
                1,
                "wo",
                "set on the image's last word; on any other the image is refused, and the "
                "next word begins a new one",
            ),
        ),
    ),
    Register(
        "PIXEL",
        0x9C,
        (
            Field("pixel", 0, 8, "wo", "the frame's next pixel, in C order"),
            Field("last", 8, 1, "wo", "set on the frame's last pixel"),
        ),
    ),
    Register(
        "PIXEL_SPACE",
        0xA0,
        (Field("space", 0, 16, "ro", "pixels that the frame lacks; 0 while one is being sent on"),),
    ),
    Register(
        "STEP_TIMER",
        0xA4,
        (
            Field(
                "run",
                0,
                1,
                "rw",
                "1: the core makes its TICKs itself, from the next start of a frame on; 0: they come with "
                "the events, once the frame on its way has ended",
            ),
            Field(
                "drop", 1, 1, "rw", "1: events that the core does not take at once are dropped; 0: they wait"
            ),
            Field(
                "on_event",
                2,
                1,
                "rw",
                "1: a frame begins with its first event; 0: frames follow each other by the clock alone",
            ),
            Field("running", 8, 1, "ro", "the core makes its TICKs itself"),
            Field("clear", 31, 1, "wo", "1 sets STEP_LOSSES to 0"),
        ),
        "While STEP_TIMER.running, words of EVENT and of the event stream are addresses; TICKs and `last` "
        "among them mean nothing. STEP_TIMER and STEP_CLOCKS outlive CONTROL.soft_reset, STEP_LOSSES "
        "does not.",
    ),
    Register(
        "STEP_CLOCKS",
        0xA8,
        (
            Field(
                "period",
                0,
                32,
                "rw",
                "clocks of a time step, for the steps that begin (0: 2^32); reset gives hardware.step_timer",
            ),
        ),
    ),
    Register(
        "STEP_LOSSES",
        0xAC,
        (
            Field("dropped", 0, 16, "ro", "events dropped; 65,535 for as many or more"),
            Field(
                "late", 16, 16, "ro", "steps that lasted a period more, as the core was not ready; likewise"
            ),
        ),
    ),
    Register(
        "COMMIT_THRESHOLD",
        0xB0,
        (
            Field(
                "threshold", 0, 31, "wo", "distance up to which a frame is the same as the next COMMIT's slot"
            ),
            Field("own", 31, 1, "wo", "1: the slot is to have that threshold; 0: THRESHOLD serves it"),
        ),
        "A COMMIT gives its slot the threshold that was written to COMMIT_THRESHOLD since the last one, or a "
        "reset; without such a write the slot has none of its own. COMMIT_THRESHOLD acts on writes of all "
        "four bytes.",
    ),
    Register(
        "REFERENCE_THRESHOLD",
        0xB4,
        (
            Field(
                "threshold", 0, 31, "ro", "threshold of the slot chosen by REFERENCE_AT, if it has its own"
            ),
            Field("own", 31, 1, "ro", "it has"),
        ),
    ),
)

# What only a core with a step timer has: in others it costs nothing, and reads as zero.
OF_TIMER = ("STEP_TIMER", "STEP_CLOCKS", "STEP_LOSSES")
