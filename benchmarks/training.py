"""Times a training step of two networks in twinspike and in other frameworks, side by side.

A step is forward, loss, backward and optimiser; making its input of precomputed spike steps is
timed beside it. Everyone gets the same batches, loss and optimiser, and takes turns batch by batch,
so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from batches import training_images
from contenders import Contender, contenders
from torch import Tensor
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from twinspike.config import load_config
from twinspike.model.inputs.encodings import spike_steps
from twinspike.model.loss.losses import embedding_loss
from twinspike.model.outcome.results import training_table
from twinspike.model.training.memory import keep_freed_memory
from twinspike.numerics.files import write_json
from twinspike.quant.export import package_versions

# A dense network and one with convolutions.
NETWORKS = {"dense": "mnist", "conv": str(Path(__file__).parent / "conv.toml")}
BATCH = 256
WARM_UP = 5
CLASSES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30, help="timed steps of everyone (default 30)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="thread counts (default 1 2)")
    parser.add_argument("--out", type=Path, default=Path("results/bench_training.json"), help="result file")
    options = parser.parse_args()
    keep_freed_memory()  # for everyone
    images, labels, checksums = (
        torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in training_images()
    )
    configs = {
        name: load_config(given).changed(name, training={"batch_size": BATCH})
        for name, given in NETWORKS.items()
    }
    config = configs["dense"]  # whose settings of the loss and rate count for both
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "emd": lambda spikes, labels: embedding_loss(spikes, labels, config.training),
        "counts": lambda spikes, labels: cross_entropy(spikes.sum(0)[:, :CLASSES], labels),
    }
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(config.seed))
    batches = order[: (WARM_UP + options.rounds) * BATCH].split(BATCH)
    places = [("cpu", threads) for threads in options.threads]
    if torch.cuda.is_available():
        places.append(("cuda", options.threads[0]))
    runs = []
    with tqdm(
        total=len(places) * len(configs) * len(losses) * len(batches), desc="benchmark", unit="round"
    ) as bar:
        for device, threads in places:
            torch.set_num_threads(threads)
            data = [
                (spike_steps(config.encoder, images[b], config.timesteps).to(device), labels[b].to(device))
                for b in batches
            ]
            for (network, own), (loss, function) in itertools.product(configs.items(), losses.items()):
                rivals = contenders(own, tuple(images.shape[1:]), torch.device(device))
                rows = _race(rivals, function, data, device, config.training.learning_rate, bar)
                run = {"network": network, "device": _device_name(device), "threads": threads, "loss": loss}
                runs.append({**run, "rows": rows})
    peers = ("snntorch", "spikingjelly", "norse")
    write_json(
        options.out,
        {
            "configs": {name: training_table(own) for name, own in configs.items()},
            "rounds": options.rounds,
            "warm_up": WARM_UP,
            "load_average": os.getloadavg()[0],
            "cores": os.cpu_count(),
            "versions": {**package_versions(), **{name: _version(name) for name in peers}},
            "data_checksums": checksums,
            "runs": runs,
        },
    )
    print(f"{options.out}: written; `make docs` puts it into the documents")
    for run in runs:
        print(f"{run['network']}: {run['device']}, {run['threads']} threads, loss {run['loss']}")
        for row in run["rows"]:
            print(
                f"  {row['name']:32} {row['step_ms']:7.1f} ms  {row['relative']:5.2f}x  "
                f"CPU {row['step_cpu_ms']:7.1f} ms  input {row['input_ms']:5.1f} ms  loss {row['loss']:.3f}"
            )


def _race(
    rivals: list[Contender], loss: Callable, data: list, device: str, rate: float, bar: tqdm
) -> list[dict[str, Any]]:
    """Medians in milliseconds of everyone, twinspike first; `relative` is against its step."""
    optimisers = [torch.optim.Adam(rival.parameters, lr=rate, fused=True) for rival in rivals]
    times: list[list[tuple[float, ...]]] = [[] for _ in rivals]
    values = [0.0] * len(rivals)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None

    def now() -> tuple[float, float]:
        wait()
        return time.perf_counter(), time.process_time()

    for turn, (when, labels) in enumerate(data):
        for place in range(len(rivals)):
            index = (turn + place) % len(rivals)
            rival, optimiser = rivals[index], optimisers[index]
            begun = now()
            spikes = rival.prepare(when)
            ready = now()
            optimiser.zero_grad()
            value = loss(rival.forward(spikes), labels)
            value.backward()
            optimiser.step()
            done = now()
            values[index] = value.item()
            if turn >= WARM_UP:
                times[index].append((ready[0] - begun[0], done[0] - ready[0], done[1] - ready[1]))
        bar.update()
    rows = []
    for rival, found, value in zip(rivals, times, values, strict=True):
        prepare, step, cpu = (
            round(1e3 * statistics.median(column), 3) for column in zip(*found, strict=True)
        )
        rows.append(
            {"name": rival.name, "step_ms": step, "step_cpu_ms": cpu, "input_ms": prepare, "loss": value}
        )
    for row in rows:
        row["relative"] = round(row["step_ms"] / rows[0]["step_ms"], 3)
        row["relative_cpu"] = round(row["step_cpu_ms"] / rows[0]["step_cpu_ms"], 3)
    return rows


def _device_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "CPU")


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


if __name__ == "__main__":
    main()
