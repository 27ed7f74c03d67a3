"""One random case of the fuzzer, as a file holds it."""

import dataclasses

from twinspike.sim.fuzz.case import Case, LayerCase

LAYER = LayerCase(7, 3, 4, 3, "subtract", False, 8, "uniform", "small", "small")


CASE = Case(
    seed=3,
    inputs=11,
    timesteps=4,
    layers=(LAYER, dataclasses.replace(LAYER, neurons=5, weight_bits=1)),
    references=3,
    activity="mixed",
    frames=6,
    networks=3,
    options={},
    stall_source=30,
    stall_sinks=60,
    mishaps=4,
)
