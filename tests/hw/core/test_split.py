"""Flat addresses into bit fields."""

import numpy as np
import pytest
from support.streams import event, pump

from twinspike.hw.core.split import AddressSplit
from twinspike.hw.plan.maps import MapFields
from twinspike.hw.predict.split import Split
from twinspike.hw.predict.stations import Sink

SHAPES = [(28, 28, 1), (5, 3, 4), (7, 16, 3), (3, 5, 6), (1, 9, 5), (6, 1, 7), (33, 10, 2)]


def events_of(shape, count, rng):
    """Any addresses, TICKs among them, as (address or None, last)."""
    size = int(np.prod(shape))
    chosen = [*range(size), *rng.integers(0, size, count)] if size < 300 else rng.integers(0, size, count)
    events = [(int(a), False) for a in chosen]
    for at in (0, 1, 5, 5, len(events)):
        events.insert(at, (None, at == 5))
    return events


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stalls", [0.0, 0.4])
def test_the_fields_of_every_address_come_in_the_clocks_of_the_model(shape, stalls):
    rng, fields = np.random.default_rng(0), MapFields(*shape)
    dut = AddressSplit(fields)
    events = events_of(shape, 60, rng)
    payloads = [{"address": a or 0, "tick": a is None, "last": last} for a, last in events]
    passed = pump(
        dut,
        payloads,
        expected=len(events),
        rng=rng,
        stall_in=stalls,
        stall_out=stalls,
        meaning=event(len(dut.o.p.address)),
    )
    place = np.flatnonzero(fields.sent >= 0)
    assert passed.outputs == [(None if a is None else place[a], last) for a, last in events]
    if stalls:
        return

    class Layer(Sink):
        """Takes what is offered at once, and notes when."""

        def accept(self, entered, address):
            super().accept(entered, address)
            clocks.append(self.taken)

    clocks = []
    model = Split(fields, Layer())
    for clock, (address, _) in zip(passed.taken, events, strict=True):
        model.accept(clock - 1, address)
        assert model.taken == clock
    assert passed.clocks == clocks
    assert clocks[2] - passed.taken[2] == fields.division_clocks + 1
