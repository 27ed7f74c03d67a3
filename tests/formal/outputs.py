"""The readout's results, and the external ports of whole cores."""

import functools

from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value
from support.networks import random_network

from formal.bench import Bench, packed
from formal.mutation import Mutant
from formal.proof import Proof
from twinspike.hw.core import Core
from twinspike.hw.plan import CorePlan, make_plan
from twinspike.hw.readout.emd import Readout
from twinspike.numerics.emd import NO_RUNNER_UP


def tiny_plan(
    seed: int, widths: tuple[int, ...], lanes: tuple[int, ...], timesteps: int, classes: int, target="generic"
) -> CorePlan:
    network = random_network(
        seed, timesteps=timesteps, shape=(2,), widths=widths, classes=classes, weight_bits=2, state_bits=3
    )
    return make_plan(network, lanes, target)


def readout(plan: CorePlan) -> Bench:
    """Every frame's record against the EMD as it is defined, with ties and the runner-up.

    Events come as from the encoder: each address at most once per step, exactly T TICKs a frame.
    """
    b = Bench()
    m = b.m
    m.submodules.dut = dut = Readout(plan)
    network, neurons = plan.network, plan.network.outputs
    address, tick = b.free(len(dut.i.p.address), "address"), b.free(1, "tick")
    step, seen = Signal(range(max(network.timesteps, 2))), Signal(neurons)
    final = step == network.timesteps - 1
    b.assume(tick | ((address < neurons) & ~seen.bit_select(address, 1)))
    m.d.comb += [
        dut.i.p.address.eq(address),
        dut.i.p.tick.eq(tick),
        dut.i.p.last.eq(tick & final),
        dut.i.valid.eq(b.free(1, "valid")),
        dut.o.ready.eq(b.free(1, "ready")),
    ]
    taken, ends = Signal(), Signal()
    m.d.comb += [taken.eq(dut.i.valid & dut.i.ready), ends.eq(taken & tick)]
    # Counts with the spikes so far, and distances over the steps that have ended.
    counts = [Signal(8, name=f"count_{n}") for n in range(neurons)]
    distances = []
    for k, table in enumerate(network.references.counts.astype(int)):
        distance, total = Signal(12, name=f"distance_{k}"), Signal(12, name=f"total_{k}")
        added = Const(0, 12)
        for n in range(neurons):
            theirs = Array(int(c) for c in table[:, n])[step]
            added = added + Mux(counts[n] > theirs, counts[n] - theirs, theirs - counts[n])
        m.d.comb += total.eq(distance + added)
        with m.If(ends):
            m.d.sync += distance.eq(Mux(final, 0, total))
        distances.append(total)
    with m.If(taken):
        m.d.sync += seen.eq(Mux(tick, 0, seen | (1 << address)))
        m.d.sync += [c.eq(Mux(tick, Mux(final, 0, c), c + (address == n))) for n, c in enumerate(counts)]
    with m.If(ends):
        m.d.sync += step.eq(Mux(final, 0, step + 1))
    label, best = Const(int(network.references.labels[0]), 16), distances[0]
    for k in range(1, len(distances)):
        label = Mux(distances[k] < best, int(network.references.labels[k]), label)
        best = Mux(distances[k] < best, distances[k], best)
    # The runner-up is the least distance of all references but one that has the least.
    runner_up = Const(NO_RUNNER_UP, 32)
    if len(distances) > 1:
        for k, one in enumerate(distances):
            others = [d for i, d in enumerate(distances) if i != k]
            rest = functools.reduce(lambda x, y: Mux(x < y, x, y), others)
            runner_up = Mux(one == best, rest, runner_up)
    record = packed(_wide(best, 32), _wide(runner_up, 32), _wide(label, 16), best <= network.verify_threshold)
    due = b.in_order(
        pushed=ends & final,
        expected=[record],
        popped=dut.o.valid & dut.o.ready,
        payload=Value.cast(dut.o.payload),
        most=2,
    )
    b.offered_stays(dut.o.valid, dut.o.ready, dut.o.payload)
    b.comes_within(plan.references + 7, dut.o.valid, when=due != 0)
    return b


def _wide(value: Value, bits: int) -> Value:
    """`value` in exactly `bits` bits."""
    return Cat(Value.cast(value), Const(0, bits))[:bits]


def _core(plan: CorePlan) -> tuple[Bench, Core]:
    """A core with free inputs at every port."""
    b = Bench()
    b.m.submodules.dut = dut = Core(plan)
    b.m.d.comb += [
        dut.s_axis_tdata.eq(b.free(16, "tdata")),
        dut.s_axis_tvalid.eq(b.free(1, "tvalid")),
        dut.s_axis_tlast.eq(b.free(1, "tlast")),
        dut.m_axis_tready.eq(b.free(1, "m_axis_tready")),
        dut.m_result_tready.eq(b.free(1, "m_result_tready")),
        dut.error_clear.eq(b.free(1, "error_clear")),
    ]
    return b, dut


def offers(plan: CorePlan, name: str) -> Bench:
    """AXI-Stream at an output of a whole core: what is offered stays, unchanged, until it is taken."""
    b, dut = _core(plan)
    valid, ready, data, last = (getattr(dut, f"{name}_{p}") for p in ("tvalid", "tready", "tdata", "tlast"))
    b.offered_stays(valid, ready, packed(data, last))
    return b


def frames(plan: CorePlan) -> Bench:
    """Each frame on `m_axis` has exactly T TICKs, `tlast` on the last one, and sound addresses."""
    b, dut = _core(plan)
    tick, step = dut.m_axis_tdata[15], Signal(range(plan.network.timesteps))
    with b.m.If(dut.m_axis_tvalid & dut.m_axis_tready & tick):
        b.m.d.sync += step.eq(Mux(dut.m_axis_tlast, 0, step + 1))
    final = step == plan.network.timesteps - 1
    b.holds(dut.m_axis_tlast == (tick & final), when=dut.m_axis_tvalid)
    b.holds(dut.m_axis_tdata[:15] < plan.network.outputs, when=dut.m_axis_tvalid & ~tick)
    return b


PROOFS = [
    *(
        Proof(
            "readout",
            f"each record is the EMD's ({widths[-1]} neurons, T = {t}, K = {k})",
            functools.partial(readout, tiny_plan(k, widths, lanes, t, k)),
            (
                Mutant("readout.emd", "spike[2] & ~difference[-1]", "spike[2]"),
                Mutant("readout.emd", "Mux(clearing, 0, count_read.data + 1)", "count_read.data + 1"),
                Mutant("readout.emd", "spent.eq(0)", "spent.eq(spent)"),
                Mutant("readout.emd", "start.eq(closing[1] & ~self.o.valid)", "start.eq(closing[1])"),
                Mutant("readout.ranking", "Mux(was_nearest, below_before, below_best)", "below_best"),
                Mutant("readout.ranking", "(distance < before)", "(distance <= before)"),
            )[slice(0, 2) if k < 3 else slice(2, 6)],
            depth=depth,
        )
        for widths, lanes, t, k, depth in (((1,), (1,), 1, 3, 30), ((2,), (1,), 2, 2, 24))
    ),
    *(
        Proof(
            "core",
            f"AXI-Stream at {name}: an offered beat stays until it is taken",
            functools.partial(offers, tiny_plan(3, (2,), (1,), 2, 2), name),
            mutants,
            refuted_in=60,
        )
        for name, mutants in (
            ("m_axis", (Mutant("parts.skid", "with m.If(o.ready | ~head_valid):", "with m.If(1):"),)),
            ("m_result", (Mutant("readout.emd", "closing[1] & ~self.o.valid", "closing[1]"),)),
        )
    ),
    Proof(
        "core",
        "T TICKs a frame at m_axis, tlast on the last",
        functools.partial(frames, tiny_plan(3, (2,), (1,), 1, 2)),
        (
            Mutant(
                "core.core",
                "Mux(spikes.p.tick, TICK, spikes.p.address)",
                "Mux(spikes.p.last, spikes.p.address, TICK)",
            ),
        ),
        depth=24,
    ),
]
