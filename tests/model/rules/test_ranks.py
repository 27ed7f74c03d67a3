"""Several processes under torchrun: the gradients of one, one set of files, one resumable training."""

import gc
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.parallel import DistributedDataParallel

from twinspike.config import load_config
from twinspike.model.data.dataset import Dataset
from twinspike.model.rules.ranks import Ranks
from twinspike.model.training import training
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network

CONFIG = """
seed = 3
timesteps = 5
[[layers]]
neurons = 24
[[layers]]
neurons = 8
[training]
epochs = 2
batch_size = 20
learning_rate = 0.02
rotation = 10
shift = 0.2
activity_target = 0.1
cycles_weight = 0.1
"""


def stripes() -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    images = rng.integers(0, 60, (240, 6, 6))
    images[np.arange(240), :, 2 * labels] = rng.integers(150, 256, (240, 6))
    half = images.astype(np.uint8), labels.astype(np.int64)
    return Dataset("stripes", *half, *half, {"stripes": "none"})


def trained(folder: Path, name: str) -> dict:
    """Train into the folder `name`; the gradients and figures of the first step go to a file beside it."""
    learn = training._Run._learn

    def recorded(run, chosen):
        figures = learn(run, chosen)
        if (run.progress.epoch, run.progress.step) == (0, 0):
            found = {key: value.grad for key, value in run.network.named_parameters()}
            found |= {key: torch.tensor(value) for key, value in figures.items()}
            save_file(found, folder / f"{name}.safetensors")
        return figures

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training._Run, "_learn", recorded)
        config = load_config(str(folder / "tiny.toml"))
        return training.train(config, folder / name, dataset=stripes(), progress=False)


def worker(folder: Path) -> None:
    """What each process does under torchrun."""
    name = f"rank{os.environ['RANK']}"
    destroy = torch.distributed.destroy_process_group

    def alone() -> None:
        gc.disable()
        assert not any(isinstance(x, DistributedDataParallel) for x in gc.get_objects())
        gc.enable()
        destroy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.distributed, "destroy_process_group", alone)
        metrics = trained(folder, name)
    (folder / f"{name}.json").write_text(json.dumps(metrics))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "tiny.toml").write_text(CONFIG)
    # By numbers and the loopback interface: waiting for a name server can outlast any patience.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    launch += ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    environment = os.environ | ({"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {})
    done = subprocess.run(
        [*launch, __file__, folder], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    trained(folder, "alone")
    return folder


def test_two_halves_of_a_batch_give_the_gradients_of_the_whole(folder):
    expected = load_file(folder / "alone.safetensors")
    assert all(value.abs().max() > 0 for value in expected.values())
    for rank in (0, 1):
        found = load_file(folder / f"rank{rank}.safetensors")
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_one_process_writes_and_trains_as_one_alone_does(folder):
    assert not (folder / "rank1").exists()
    assert json.loads((folder / "rank1.json").read_text()) == {}
    metrics = json.loads((folder / "rank0.json").read_text())
    assert load_network(folder / "rank0" / "network.safetensors").content_hash == metrics["network_hash"]
    logs = [(folder / name / "train.jsonl").read_text().splitlines() for name in ("rank0", "alone")]
    # Rounding differs, and with it at last a spike: the first epoch is the same.
    first = [json.loads(log[0]) for log in logs]
    assert first[0] == pytest.approx(first[1], rel=1e-3) and len(logs[0]) == len(logs[1]) == 2


def test_a_batch_that_cannot_be_shared_is_refused():
    assert [Ranks(rank, 3).share(12) for rank in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 12)]
    with pytest.raises(TwinspikeError, match=r"batch_size = 7 is not allowed: expected a multiple of the 2"):
        Ranks(1, 2).share(7)


if __name__ == "__main__":
    worker(Path(sys.argv[1]))
