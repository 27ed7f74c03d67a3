import pytest

from twinspike.hw.devices import DEVICES, device
from twinspike.hw.settings import TARGETS
from twinspike.numerics.errors import TwinspikeError


def test_every_target_but_the_generic_one_is_a_device():
    assert set(DEVICES) == set(TARGETS) - {"generic"}


def test_capacities_are_the_data_sheets():
    assert (device("up5k").logic_cells, device("up5k").ram_blocks * 4096) == (5280, 120 * 1024)
    assert device("up5k").spram == 4
    assert device("ecp5-25k").ram_blocks * device("ecp5-25k").ram_block_bits == 1008 * 1024
    assert device("gw1n-9c").ram_blocks * device("gw1n-9c").ram_block_bits == 468 * 1024
    assert device("gw2a-18c").ram_blocks * device("gw2a-18c").ram_block_bits == 828 * 1024
    assert device("hx8k").resources == {
        "logic_cells": (7680, "logic cells"),
        "ram_blocks": (32, "EBR blocks"),
    }


def test_every_counted_resource_has_a_cell_type():
    for one in DEVICES.values():
        assert set(one.resources) <= set(one.cell_types), one.name


def test_an_unknown_device_lists_the_known_ones():
    with pytest.raises(TwinspikeError, match=r"device = 'virtex' .* up5k, hx8k, ecp5-25k, .* gw2a-18c"):
        device("virtex")
