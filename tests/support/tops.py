"""Cores of every kind, and all of their tops as Verilog."""

import dataclasses

import numpy as np
from support.conv_cores import conv_network
from support.networks import counting, random_layer, random_network, summing
from support.simulation import spram_case

from twinspike.hw.bus.top import BUSES
from twinspike.hw.emit.emit import TOP, write_bus_verilog, write_verilog
from twinspike.hw.plan import make_plan
from twinspike.quant.layer import relay
from twinspike.quant.synapses.delay import Delay


def delayed():
    """A network with delays between its layers, whose readout adds up membranes."""
    network, rng = summing(timesteps=5, shape=(5,), widths=(6, 4)), np.random.default_rng(0)
    delay = relay(Delay.over((6,), rng.integers(0, 4, (6, 3)).astype(np.uint8)))
    return dataclasses.replace(network, layers=(network.layers[0], delay, random_layer(rng, 18, 4)))


def plans():
    network = random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3)
    plain = make_plan(network, (2, 3))
    maps = conv_network(6, (4, 5, 1), 3, [(3, (2, 2), {}, {"weight_bits": 4, "state_bits": 8})], 4)
    return {
        "references": plain,
        "slots and pixels": dataclasses.replace(plain, slots=5, pixels=True),
        "counts": make_plan(counting(network), (2, 3)),
        "summed membranes behind delays": make_plan(delayed(), (2, 3)),
        "loaded weights": spram_case(64, 4)[0],
        "several events per clock": make_plan(network, events_per_clock=(2, 1)),
        "an event in all banks at once": make_plan(maps, events_per_clock=(1, 1)),
    }


def write_tops(plan, folder):
    """Write the core and its bus tops; returns the modules' names."""
    write_verilog(plan, folder)
    return [
        TOP,
        *(write_bus_verilog(plan, bus, folder) for bus in BUSES if plan.layers[0].events_per_clock <= 1),
    ]
