import pytest
from support.conv_cores import conv_network
from support.networks import random_network, wide_network

from twinspike.hw.core.signature import core_members
from twinspike.hw.emit.ports import ports_markdown
from twinspike.hw.plan import make_plan


def test_every_port_stands_in_the_table_once():
    for plan in (make_plan(random_network()), make_plan(wide_network((64, 8)), (8,), "up5k")):
        text = ports_markdown(plan)
        for name in core_members(plan):
            assert text.count(f"| `{name}` |") == 1
    assert "s_load_tdata" in text and "weights_loaded" in text
    assert "| `s_axis_tdata` | in | 16 | input events" in text
    assert "| `s_axis_tready` | out | 1 | handshake of `s_axis` |" in text
    assert "| `m_result_tdata` | out | 96 | one record per frame" in text


def test_no_load_port_where_nothing_is_loaded():
    plan = make_plan(random_network())
    assert not any(name.startswith("s_load") or name == "weights_loaded" for name in core_members(plan))


@pytest.mark.parametrize(
    "line",
    [
        "| 31..0 | distance | EMD to the nearest reference |",
        "| 63..32 | runner_up | EMD to the second nearest reference (all ones if there is only one) |",
        "| 79..64 | label | label of the nearest reference; a tie goes to the lower index |",
        "| 80 | same | 1 if distance <= 7, the verify threshold; 0: whose it is is unknown |",
        "| 0 | address_range | an address beyond the network's inputs was dropped |",
        "| 1 | early_last | tlast before the T-th TICK ended the frame; its missing TICKs were supplied |",
        "| 2 | missing_last | the T-th TICK came without tlast; it ended the frame |",
        "Bit 15 = 0: bits 14..0 are an address, 0..5. Bit 15 = 1: TICK, the step ends.",
        "A frame has T = 5 TICKs, the last one with `tlast`.",
        "| 0 | 4 | 1 | 4 | 6 |",
        "readout takes an event per clock; a frame's result comes",
        "10 clocks after its last TICK was taken (3 references).",
    ],
)
def test_records_flags_words_and_cycles_are_described(line):
    network = random_network()
    text = ports_markdown(make_plan(network))
    assert line in text.splitlines()
    assert network.content_hash in text


def test_a_wide_core_tells_how_beats_are_packed():
    text = ports_markdown(make_plan(random_network(), events_per_clock=(2, 1)))
    assert "| `s_axis_tdata` | in | 32 |" in text and "| `s_axis_tkeep` | in | 4 |" in text
    assert "a mod 2 = b" in text and "events per clock E" in text


def test_layers_on_maps_say_which_words_a_tick_sweeps():
    spec = {"weight_bits": 4, "state_bits": 8}
    convs = [(4, (2, 2), {}, spec | {"biases": "none"}), (4, (2, 2), {}, spec)]
    text = ports_markdown(make_plan(conv_network(1, (5, 5, 1), 4, convs, 3)))
    assert "Layers 0, 1 work on maps" in text
    assert "of layer 0 those that events have reached in the frame; of layer 1 all." in text
    assert "Inputs are a map of 5x5x1. At the ports addresses are flat and channel-last" in text
    assert "| 0 | 64, 4x4x4 |" in text and "VALUE" not in text
    assert "flat and channel-last" not in ports_markdown(make_plan(random_network()))
    assert "work on maps" not in ports_markdown(make_plan(random_network()))
