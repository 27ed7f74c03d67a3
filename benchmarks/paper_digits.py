"""The NIR paper's network for N-MNIST on that data set's test recordings: float import against integers.

A graph of convolutions, sum pools and dense layers that sinabs wrote. Frames are 300 steps of a millisecond,
channel 0 darker and channel 1 brighter, as the paper bins them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.model.data.recorded import load_recorded
from twinspike.model.data.settings import DataSettings
from twinspike.model.imports.drift import predictions
from twinspike.numerics.encodings import Events
from twinspike.quant.nir_import import float_layers, round_network, run_layers

CAMERA, STEPS = Events(step=1000), 300
INPUTS = 34 * 34 * 2
WEIGHT_BITS = 6
# Training recordings that it is rounded on: every place of a map counts for its channels.
CALIBRATED_ON = 6


def recordings_there() -> bool:
    """Whether the data folder has N-MNIST's excerpt."""
    return Path(os.environ.get("TWINSPIKE_DATA", ""), "n-mnist", "NMNISTsmall.zip").is_file()


def measure(graph: Mapping[str, Any], recordings: int) -> dict[str, Any]:
    """What the network answers to so many test recordings, in floats and as integers; JSON-ready."""
    data = load_recorded("nmnist", DataSettings(), CAMERA, STEPS, progress=False)
    chosen = np.sort(np.random.default_rng(0).permutation(len(data.train_images))[:CALIBRATED_ON])
    spikes = CAMERA.encode(data.test_images[:recordings], STEPS)
    real = float_layers(graph, dt=1.0)
    stages = round_network(real, CAMERA.encode(data.train_images[chosen], STEPS), WEIGHT_BITS)
    floats, inputs, rows = run_layers(real, spikes), spikes, []
    for there, rounded in zip(floats, stages.rounded, strict=True):
        inputs = rounded.run(inputs)
        rows.append({"float": float(there.sum(axis=0).mean()), "integer": float(inputs.sum(axis=0).mean())})
    labels = data.test_labels[:recordings]
    there, here = predictions(floats[-1]), predictions(inputs)
    return {
        "dt": 1.0,
        "steps": STEPS,
        "input_spikes": int(spikes.sum()),
        "weight_bits": WEIGHT_BITS,
        "recorded": {},
        "layers": rows,
        "answers": {
            "recordings": len(labels),
            "same": int((there == here).sum()),
            "float_right": int((there == labels).sum()),
            "integer_right": int((here == labels).sum()),
        },
    }
