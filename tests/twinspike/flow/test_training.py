"""What is judged before a training, and what is said of its outcome."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from twinspike.cli.main import main
from twinspike.config import config_from_table, load_config
from twinspike.flow.identity import check_current
from twinspike.flow.training import ground_hint, judge_core, same_references, verdict
from twinspike.model.data.load import config_dataset
from twinspike.model.network.blank import blank_network
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network import References
from twinspike.quant.network_file import load_network

LABELS = np.arange(10)
POOLED = """
dataset = "digits"
timesteps = 3
[encoder]
kind = "latency"
[[layers]]
kind = "conv"
channels = 4
[[layers]]
kind = "pool"
window = [2, 2]
[[layers]]
neurons = 8
[training]
epochs = 1
initial_gain = 3.0
"""


def judged(hardware, layers=({"neurons": 24}, {"neurons": 8}), shape=(8, 8), **head):
    config = config_from_table("mine", {"layers": list(layers), "hardware": hardware, **head})
    return judge_core(config, blank_network(config, shape, LABELS))


@pytest.mark.parametrize(
    ("hardware", "reason"),
    [
        ({"lanes": [64, 4]}, r"hardware.lanes\[0\] = 64 is not allowed: expected 1..24"),
        (
            {"events_per_clock": [3, 2]},
            r"hardware.events_per_clock\[0\] = 3 is not allowed: expected one of 1, 2, 4, 8, 16",
        ),
        ({"events_per_clock": [16, 8], "lanes": [2, 2]}, "with events_per_clock every neuron .*is a lane"),
        ({"slots": 9}, r"hardware.slots = 9 is not allowed: expected 10..254"),
        ({"slots": 20, "events_per_clock": [2, 2]}, "leave events_per_clock or slots out"),
    ],
)
def test_a_core_that_cannot_be_is_refused(hardware, reason):
    with pytest.raises(TwinspikeError, match=reason):
        judged(hardware)


def test_a_core_that_can_be_is_fine():
    assert judged({"lanes": [24, 8], "slots": 10}) == []
    assert judged({}, [{"neurons": 24, "weight_bits": 1}]) == []
    assert judged({}, [DENSE | {"hold": True}], encoder={"kind": "graded"}) == []


CONV, POOL, DENSE = {"kind": "conv", "channels": 4}, {"kind": "pool"}, {"neurons": 8}


def test_a_core_of_convolutions_can_be():
    assert judged({"lanes": [4, 8]}, [CONV, DENSE]) == []
    assert judged({"lanes": [4, 8]}, [CONV, POOL, DENSE]) == []
    with pytest.raises(TwinspikeError, match=r"hardware.lanes\[0\] = 3: allowed for layers.0, a convolution"):
        judged({"lanes": [3, 8]}, [CONV, DENSE])


def test_a_network_that_has_no_hardware_is_for_software_alone(monkeypatch):
    monkeypatch.setattr("twinspike.hw.plan.choose.RELAYS", {})
    (line,) = judged({}, [CONV, POOL, DENSE])
    assert line.startswith("no core can be built of this network: layers.1.kind = 'pool'")


def test_devices_that_are_too_small_are_named():
    (spram,) = judged({"targets": ["up5k"]}, [{"neurons": 512}, {"neurons": 512}], (28, 28))
    assert spram.startswith("the core will not be built for up5k: ") and "weight bits" in spram
    (blocks,) = judged({"targets": ["hx8k", "ecp5-85k"]}, [{"neurons": 256}, {"neurons": 32}], (28, 28))
    assert blocks.startswith("the core will not fit hx8k: at least ") and blocks.endswith("it has 32")


@pytest.mark.parametrize("name", ["digits", "mnist", "fashion-small", "mnist-fast"])
def test_shipped_recipes_fit_their_devices(name):
    config = load_config(name)
    shape = (8, 8) if config.dataset == "digits" else (28, 28)
    assert judge_core(config, blank_network(config, shape, LABELS)) == []


def test_dark_drawings_on_white_are_noticed_where_bright_pixels_spike(tmp_path):
    for name in ("ring", "star"):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.new("L", (4, 4), 200 + i).save(tmp_path / name / f"{i}.png")

    def hint(**head):
        config = config_from_table("mine", {"dataset": str(tmp_path), "layers": [DENSE], **head})
        return ground_hint(config, config_dataset(config, progress=False))

    assert "for dark drawings on white set data.invert = true" in hint()
    assert hint(data={"invert": True}) == hint(encoder={"kind": "on-off"}) == ""
    config = config_from_table("mine", {"layers": [DENSE]})
    assert ground_hint(config, config_dataset(config)) == ""


def references(*rows):
    return References(np.array(rows, np.uint8).reshape(len(rows), 2, 1), np.arange(len(rows), dtype=np.int32))


def test_equal_references_are_noticed():
    assert verdict(references([0, 1], [1, 1], [0, 0])) == (True, "")
    some = references([0, 1], [1, 1], [0, 1])
    assert same_references(some) == [[0, 2]]
    assert verdict(some)[0] and verdict(some)[1].startswith("classes 0, 2 have equal references")
    good, line = verdict(references([0, 1], [0, 1], [0, 1]))
    assert not good and line.startswith(
        "the network learned nothing: the references of all 3 classes are equal"
    )


def test_a_network_with_a_pool_trains_and_its_network_is_known_again(tmp_path, capsys):
    path = tmp_path / "pooled.toml"
    path.write_text(POOLED)
    given = ["--config", str(path), "--out", str(tmp_path / "build")]
    assert main(["train", *given]) == 0
    out, err = capsys.readouterr()
    assert "no core can be built" not in err
    assert "layers.0: " in out and "layers.1: " not in out and "layers.2: " in out
    assert main(["golden", *given]) == 0
    network = load_network(tmp_path / "build" / "pooled" / "network.safetensors")
    check_current(dataclasses.replace(network, provenance={}), path, load_config(str(path)))
    other = tmp_path / "other.toml"
    other.write_text(POOLED.replace("[2, 2]", "[4, 4]"))
    with pytest.raises(TwinspikeError, match="has layers"):
        check_current(dataclasses.replace(network, provenance={}), path, load_config(str(other)))
    assert main(["rtl", *given]) == 0
