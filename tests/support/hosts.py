"""A host of a core with reference slots: scripts of register accesses with the golden model's answers."""

import numpy as np
from support.control import Bench

from twinspike.hw.bus.registers import REGISTERS
from twinspike.numerics.events import frame_words
from twinspike.sim.board.host import Script
from twinspike.sim.golden import run
from twinspike.sim.siamese import CLASSIFY, CLEAR, COMMIT, EMBED, ENROL, VERIFY, SiameseCore

FLAGS = {f.name: 1 << f.low for r in REGISTERS if r.name == "ERRORS" for f in r.fields}
NAMES = {register.offset: register.name for register in REGISTERS}
BUSY, RESULT_WAITING = 2, 4
LAST = 1 << 16


def frame_of(plan, rng):
    """(Event words, cumulative output counts [T, N]) of random input spikes."""
    spikes = rng.random((plan.network.timesteps, 1, plan.network.inputs)) < rng.choice([0.2, 0.5, 0.9])
    words = [int(w) | int(end) << 16 for w, end in zip(*frame_words(spikes[:, 0]), strict=True)]
    return words, run(plan.network, spikes).output_counts[:, 0]


class Host:
    """Every access goes into `script` and to the golden model, which says what is to be read."""

    def __init__(self, plan):
        self.plan, self.script = plan, Script()
        self.golden = SiameseCore(plan.network, plan.slots)

    def settle(self, refused=None):
        self.script.until("COMMAND_STATUS", 1 << 17, 0)
        self.script.read("ERRORS", FLAGS[refused] if refused else 0)
        self.script.write("ERRORS", 0xFFFF_FFFF)
        g = self.golden
        self.script.read("COMMAND_STATUS", g.mode | g.only << 8 | g.staged << 16)

    def command(self, code, slot=0, label=0):
        value = code | slot << 8 | label << 16
        self.script.write("COMMAND", value)
        refused = self.golden.command(value)
        self.settle(refused)
        return refused

    def look(self, neuron, step, slot):
        value = neuron | step << 16 | slot << 24
        self.script.write("REFERENCE_AT", value)
        wanted = self.golden.reference_at(value)
        self.settle(wanted if isinstance(wanted, str) else None)
        if not isinstance(wanted, str):
            count, holds, label = wanted
            self.script.read("REFERENCE", count | holds << 8 | label << 16)
            self.script.read("REFERENCE_THRESHOLD", self.golden.reference_threshold(slot))

    def limit(self, value):
        self.script.write("COMMIT_THRESHOLD", value)
        self.golden.commit_threshold(value)
        self.settle()

    def stage(self, count):
        self.script.write("STAGE", count)
        self.settle(self.golden.stage(count))

    def frame(self, words, counts, damage=()):
        self.script.stream(words)
        answer = self.golden.frame(counts, sound=not damage)
        self.script.until("STATUS", BUSY | RESULT_WAITING, RESULT_WAITING)
        self.script.read("LABEL", answer.label | answer.same << 16)
        self.script.read("DISTANCE", answer.distance)
        self.script.read("RUNNER_UP", answer.runner_up)
        self.script.write("STATUS", RESULT_WAITING)
        self.script.read("ERRORS", sum(FLAGS[name] for name in damage))
        self.script.write("ERRORS", 0xFFFF_FFFF)

    def broken_frame(self):
        """`last` with a first address: silent steps but for that address."""
        spikes = np.zeros((self.plan.network.timesteps, 1, self.plan.network.inputs), bool)
        spikes[0, 0, 1] = True
        counts = run(self.plan.network, spikes).output_counts[:, 0]
        self.frame([1 | LAST], counts, damage=("early_last",))

    def load(self, image):
        """A weight image by register, however long it waits for frames."""
        self.script.write("MODE", 2)
        for at, word in enumerate(image):
            self.script.write("LOAD", word | (LAST if at == len(image) - 1 else 0))
            if at == 0:
                self.script.wait(600)
        self.script.wait(4)
        self.script.write("MODE", 0)

    def pixels(self, image):
        """A frame of raw pixels."""
        counts = run(self.plan.network, self.plan.network.encode(image[None])).output_counts[:, 0]
        for at, pixel in enumerate(image.tolist()):
            self.script.write("PIXEL", pixel | (at == len(image) - 1) << 8)
        self.frame([], counts)

    def reset(self):
        self.script.write("CONTROL", 1)
        self.golden.reset()

    def anything(self, rng, length):
        """Random commands and frames."""
        network, slots = self.plan.network, self.plan.slots
        timesteps, outputs = network.timesteps, network.outputs
        kinds = rng.choice(
            [
                "mode",
                "commit",
                "clear",
                "bad",
                "look",
                "stage",
                "frame",
                "pixels",
                "broken",
                "reset",
                "limit",
            ],
            size=length,
            p=[0.18, 0.18, 0.04, 0.05, 0.12, 0.03, 0.22, 0.06, 0.03, 0.03, 0.06],
        )
        for kind in kinds:
            slot = int(rng.integers(slots))
            if kind == "mode":
                self.command(int(rng.choice([CLASSIFY, EMBED, ENROL, ENROL, VERIFY])), slot)
            elif kind == "commit":
                self.command(COMMIT, slot, int(rng.integers(1 << 16)))
            elif kind == "limit":
                most = timesteps * timesteps * outputs
                near = int(rng.integers(2 * most))
                self.limit(
                    int(rng.choice([near, near, int(rng.integers(1 << 31))])) | int(rng.random() < 0.8) << 31
                )
            elif kind == "clear":
                self.command(CLEAR, slot)
            elif kind == "bad":
                self.command(int(rng.choice([VERIFY, COMMIT, CLEAR, 6, 255])), int(rng.integers(slots, 256)))
            elif kind == "look":
                where = int(rng.choice([slot, 0xFF, int(rng.integers(256))]))
                self.look(
                    int(rng.integers(outputs + (rng.random() < 0.1))), int(rng.integers(timesteps)), where
                )
            elif kind == "stage":
                self.look(0, 0, 0xFF)
                for _ in range(
                    int(rng.choice([timesteps * outputs, int(rng.integers(timesteps * outputs))]))
                ):
                    self.stage(int(rng.integers(timesteps + 1 + (rng.random() < 0.02))))
            elif kind == "reset":
                self.reset()
            elif kind == "pixels" and self.plan.pixels:
                self.pixels(rng.integers(0, 256, network.inputs, dtype=np.uint8))
            elif kind == "broken":
                self.broken_frame()
            else:
                self.frame(*frame_of(self.plan, rng))


def play(plan, bus, script, seed=0):
    """Play a script in Amaranth's own simulator, over `bus`; every read is checked."""
    b = Bench(plan, bus, seed=seed)
    wanted = iter(script.wanted)

    async def story(ctx):
        for line in script.lines:
            operation, x, y, z = (int(number, 16) for number in line.split())
            if operation == 0:
                await b.write(ctx, NAMES[x], y)
            elif operation == 1:
                what, value = next(wanted)
                found = await b.read(ctx, NAMES[x])
                assert value is None or found == value, f"{what}: {found:x}, wanted {value:x}"
            elif operation == 2:
                for _ in range(500):
                    if (await b.read(ctx, NAMES[x])) & y == z:
                        break
                else:
                    raise AssertionError(f"{NAMES[x]} & {y:x} is never {z:x}")
            elif operation == 3:
                await ctx.tick().repeat(x)
            else:
                await b.send(ctx, [x])

    b.run(story)
