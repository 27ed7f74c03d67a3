import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinspike.config import NAMES, Config, available, config_from_table, load_config
from twinspike.numerics.encodings import ENCODINGS, Latency, Rate
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.spec import MAX_TRAINED_STATE_BITS, NeuronSpec, check_trainable

SOUND = """
dataset = "digits"
seed = 3
timesteps = 6

[encoder]
kind = "rate"
peak = 50

[[layers]]
neurons = 20
weight_bits = 2
reset = "zero"
single_spike = true

[[layers]]
neurons = 10

[training]
epochs = 2

[hardware]
lanes = [4, 2]
"""


@pytest.fixture
def refusal(tmp_path):
    """The error text of a configuration file with this content, without the file's name."""

    def of(text):
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(TwinspikeError) as caught:
            load_config(str(path))
        line = str(caught.value)
        assert line.startswith("mine.toml: ") and "\n" not in line
        return line.removeprefix("mine.toml: ")

    return of


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SOUND)
    config = load_config(str(path))
    assert (config.name, config.dataset, config.seed, config.timesteps) == ("mine", "digits", 3, 6)
    assert config.encoder == Rate(peak=50)
    assert [layer.neurons for layer in config.layers] == [20, 10]
    assert config.layers[0].spec == NeuronSpec(weight_bits=2, reset="zero", single_spike=True)
    assert type(config.layers[1].spec) is NeuronSpec and config.layers[1].spec == NeuronSpec()
    assert config.training.epochs == 2 and config.hardware.lanes == (4, 2)


def test_defaults_need_layers_only(tmp_path):
    path = tmp_path / "short.toml"
    path.write_text("[[layers]]\nneurons = 5\n")
    config = load_config(str(path))
    assert (config.dataset, config.seed, config.timesteps) == ("digits", 1, 8)
    assert config.encoder == Latency() and config.layers[0].neurons == 5


@pytest.mark.parametrize("name", available())
def test_every_shipped_configuration_loads(name):
    config = load_config(name)
    assert config.name == name and config.dataset in NAMES
    assert json.loads(json.dumps(config.table()))["encoder"]["kind"] in ENCODINGS


def test_digits_mnist_and_fashion_ship():
    assert {"digits", "mnist", "fashion"} <= set(available())


def test_table_tells_configurations_apart():
    config = load_config("digits")
    assert config.table() == load_config("digits").table()
    for change in ({"seed": 99}, {"encoder": Rate()}, {"layers": config.layers[:1]}, {"timesteps": 9}):
        assert dataclasses.replace(config, **change).table() != config.table()


def test_unknown_name_lists_the_known():
    with pytest.raises(TwinspikeError) as caught:
        load_config("minst")
    expected = (
        f"configuration 'minst' is unknown: did you mean mnist? Else choose {', '.join(available())}, "
        "or give the path of a .toml file"
    )
    assert str(caught.value) == expected


def test_missing_file(tmp_path):
    with pytest.raises(TwinspikeError) as caught:
        load_config(str(tmp_path / "none.toml"))
    missing = f"configuration file {tmp_path / 'none.toml'} does not exist: "
    assert str(caught.value).startswith(f"{missing}give the path of one that does, or the name of one that")
    (tmp_path / "nine.toml").touch()
    with pytest.raises(TwinspikeError, match=r"none\.toml does not exist: did you mean nine\.toml"):
        load_config(str(tmp_path / "none.toml"))


CASES = [
    (
        "seed = 3",
        "sed = 3",
        "sed is unknown: did you mean seed? Else allowed keys are dataset, seed, timesteps, ",
    ),
    (
        '"digits"',
        '"svhn"',
        "configuration.dataset = 'svhn' is unknown: choose digits, mnist, fashion, omniglot, cifar10-q75, ",
    ),
    ("seed = 3", "seed = -1", "configuration.seed = -1 is not allowed: expected an integer in 0..2147483647"),
    (
        "timesteps = 6",
        "timesteps = 0",
        "configuration.timesteps = 0 is not allowed: expected an integer in 1..1023",
    ),
    (
        "timesteps = 6",
        "timesteps = 1024",
        "configuration.timesteps = 1024 is not allowed: expected an integer in ",
    ),
    (
        "timesteps = 6",
        "timesteps = 8.0",
        "configuration.timesteps = 8.0 is not allowed: expected an integer in ",
    ),
    (
        '"rate"',
        '"rat"',
        "encoder.kind = 'rat' is unknown: did you mean rate? Else allowed are latency, latency-dense, rate, ",
    ),
    ("peak = 50", "peak = 101", "encoder.peak = 101 is not allowed: expected an integer in 1..100"),
    (
        "peak = 50",
        "peek = 50",
        "encoder.peek is unknown: did you mean peak? Else allowed keys are peak, seed",
    ),
    ("[encoder]", "[[encoder]]", "encoder is not a table: write [encoder] with kind = ..."),
    (
        "weight_bits = 2",
        "weight_bits = 9",
        "layers.0.weight_bits = 9 is not allowed: expected an integer in 1..8",
    ),
    (
        "weight_bits = 2",
        "bits = 2",
        "layers.0.bits is unknown: allowed keys are weight_bits, leak_shift, reset, ",
    ),
    ('"zero"', '"none"', "layers.0.reset = 'none' is not allowed: expected one of subtract, zero"),
    ("= true", '= "yes"', "layers.0.single_spike = 'yes' is not allowed: expected true or false"),
    ("neurons = 10", "neurons = 0", "layers.1.neurons = 0 is not allowed: expected an integer in 1..32768"),
    ("epochs = 2", "epochs = -1", "training.epochs = -1 is not allowed: expected an integer in 0..10000"),
    (
        "epochs = 2",
        "epoch = 2",
        "training.epoch is unknown: did you mean epochs? Else allowed keys are epochs, batch_size, ",
    ),
    ("[training]", "[[training]]", "training = [{'epochs': 2}] is not allowed: expected a table of settings"),
    ("lanes = [4, 2]", "lanes = [4]", "hardware.lanes has 1 numbers: expected one per layer, 2"),
    (
        "lanes = [4, 2]",
        "lanes = 4",
        "hardware.lanes = 4 is not allowed: expected a list (integers in 1..1024)",
    ),
    (
        "lanes = [4, 2]",
        "lanes = [4, 0]",
        "hardware.lanes[1] = 0 is not allowed: expected integers in 1..1024",
    ),
    (
        "lanes = [4, 2]",
        'targets = ["virtex"]',
        "hardware.targets[0] = 'virtex' is not allowed: expected one of up5k, ",
    ),
    ("[[layers]]", "[layers]", "is not sound TOML: "),
    ("seed = 3", "seed = ", "is not sound TOML: Invalid value (at line 3, column 8)"),
    ("seed = 3", f"seed = {'9' * 5000}", "is not sound TOML: "),
    (
        "seed = 3",
        f"seed = 0x{'f' * 5000}",
        "configuration.seed = an enormous number is not allowed: expected an ",
    ),
    ("seed = 3", "seed = " + "[" * 5000, "is not sound TOML: "),
]


@pytest.mark.parametrize(("old", "new", "text"), CASES, ids=[f"{i}-{c[1][:20]}" for i, c in enumerate(CASES)])
def test_bad_configurations_are_named(refusal, old, new, text):
    assert old in SOUND
    assert refusal(SOUND.replace(old, new, 1)).startswith(text)


@pytest.mark.parametrize("text", ["", "layers = []", "layers = 3", "[[layers]]\nneurons = 1\n" * 17])
def test_layers_are_needed(refusal, text):
    assert refusal(text) == "layers is missing or no list: write 1 to 16 [[layers]] entries"


def test_a_layer_must_be_a_table(refusal):
    assert refusal("layers = [5]") == "layers.0 = 5 is not allowed: expected a table of settings"


def test_bytes_that_are_no_text(refusal):
    assert refusal(b"\xff\xfe").startswith("is not sound TOML: 'utf-8' codec can't decode byte 0xff")


@settings(max_examples=200, deadline=None)
@given(start=st.integers(0, len(SOUND)), removed=st.integers(0, 12), inserted=st.text(max_size=6))
def test_mutated_files_load_or_are_refused_with_one_line(tmp_path_factory, start, removed, inserted):
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_bytes((SOUND[:start] + inserted + SOUND[start + removed :]).encode())
    try:
        assert isinstance(load_config(str(path)), Config)
    except TwinspikeError as error:
        assert str(error).startswith("mutated.toml: ") and str(error).isprintable()


@pytest.mark.parametrize("name", ["mine.TOML", "mine.Toml"])
def test_a_byte_order_mark_and_capitals_are_no_obstacle(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + SOUND.encode())
    config = load_config(str(tmp_path / name))
    assert (config.name, config.seed) == ("mine", 3)


def test_a_file_of_another_ending_is_told_from_an_unknown_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text(SOUND)
    with pytest.raises(TwinspikeError, match=r"configuration file mine.txt does not end in .toml: rename it"):
        load_config("mine.txt")
    (tmp_path / "own.toml").write_text(SOUND)
    with pytest.raises(TwinspikeError, match=r"'own' is unknown: did you mean own\.toml"):
        load_config("own")


def test_settings_on_top_of_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SOUND)
    changes = ["training.epochs=7", "layers.1.reset=zero", "hardware.lanes = [2, 2]", "seed=9"]
    config = load_config(str(path), changes)
    assert (config.training.epochs, config.layers[1].reset, config.seed) == (7, "zero", 9)
    assert config.hardware.lanes == (2, 2) and config.changes == tuple(changes)
    path.write_text("[[layers]]\nneurons = 5\n")
    assert load_config(str(path), ["encoder.threshold=9"]).encoder == Latency(threshold=9)
    assert load_config(str(path), ["training.epochs=2"]).training.epochs == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("training.epochs", "--set training.epochs: expected KEY=VALUE, such as training.epochs=5"),
        ("=5", "--set =5: expected KEY=VALUE"),
        ("layers.7.neurons=5", "--set layers.7.neurons=5: there is no layers.7.neurons"),
        ("layers.neurons=5", "there is no layers.neurons; a layer's is layers.0.neurons"),
        ("training.epoch=5", "training.epoch is unknown: did you mean epochs? Else allowed keys are epochs"),
        ("training.epochs=5x", "training.epochs = '5x' is not allowed: expected an integer in 0..10000"),
        ("seed.x=5", "there is no seed.x"),
        ("epochs=3", "epochs is unknown: did you mean training.epochs? Else allowed keys are"),
        ("lanes=[1]", "lanes is unknown: did you mean hardware.lanes? Else allowed keys are"),
    ],
)
def test_settings_that_cannot_be(tmp_path, change, reason):
    path = tmp_path / "mine.toml"
    path.write_text(SOUND)
    with pytest.raises(TwinspikeError) as caught:
        load_config(str(path), [change])
    assert reason in str(caught.value)


def test_what_a_network_was_trained_with_is_told_apart(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SOUND)
    config = load_config(str(path))
    assert config.trains_as(config.table()) and config.trains_as({"name": "x", **config.training_table()})
    assert config.changed("other", hardware={"lanes": [2, 2]}).trains_as(config.table())
    wide = config.changed("other", layers=[{"neurons": 24}, {}], training={"epochs": 3})
    assert wide.differences(config.table()) == [("layers.0.neurons", 20, 24), ("training.epochs", 2, 3)]
    # Lanes count where clocks are part of the loss, and only there.
    fast = config.changed("fast", training={"cycles_weight": 1.0})
    slow = fast.changed("slow", hardware={"lanes": [2, 2]})
    assert slow.differences(fast.table()) == [("hardware.lanes.0", 4, 2)]


def test_one_limit_of_state_bits_for_training_in_help_and_checks():
    text = next(f for f in dataclasses.fields(NeuronSpec) if f.name == "state_bits").metadata["help"]
    assert f"training takes at most {MAX_TRAINED_STATE_BITS}" in text
    check_trainable(NeuronSpec(state_bits=MAX_TRAINED_STATE_BITS), "layers.0")
    with pytest.raises(TwinspikeError, match=r"layers.0.state_bits = 25 .*: expected 2..24 to train"):
        check_trainable(NeuronSpec(state_bits=MAX_TRAINED_STATE_BITS + 1), "layers.0")


@pytest.mark.parametrize(("said", "norm"), [(True, "weight"), (False, "none")])
def test_networks_of_before_there_were_norms_keep_their_settings(said, norm):
    conv = {"kind": "conv", "channels": 4, "kernel": [3, 3]}

    def layer(**more):
        return config_from_table("old", {"layers": [conv | more, {"neurons": 8}]}).layers[0]

    assert layer(standardise=said) == layer(norm=norm)
    with pytest.raises(TwinspikeError, match=r"layers\.0\.standardise is unknown"):
        layer(standardise=said, norm=norm)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timestep = 3", "timestep is unknown: did you mean timesteps? Else allowed keys are"),
        ("[training]\nepoch = 3", "training.epoch is unknown: did you mean epochs? Else allowed keys are"),
        ('[encoder]\nkind = "latncy"', "encoder.kind = 'latncy' is unknown: did you mean latency? Else"),
    ],
)
def test_a_key_that_is_nearly_one_is_guessed(tmp_path, text, said):
    layers = "[[layers]]\nneurons = 4\n"
    (tmp_path / "x.toml").write_text(f"{text}\n{layers}")
    with pytest.raises(TwinspikeError) as error:
        load_config(str(tmp_path / "x.toml"))
    assert said in str(error.value)
