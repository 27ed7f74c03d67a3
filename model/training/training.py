"""Siamese training: seeded, repeatable, interruptible at any step, resumable exactly."""

from __future__ import annotations

import gc
import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ...numerics.errors import Interrupted, TwinspikeError
from ...numerics.files import write_atomically, write_json
from ...numerics.progress import Bar
from ...quant.network import Network
from ..data.dataset import Dataset
from ..data.load import config_dataset
from ..inputs.batches import epoch_order, with_quarter_turns
from ..inputs.inputs import TrainingInputs, input_spikes
from ..loss.cycles import CycleCost, cycle_cost
from ..network.network import SpikingNetwork
from ..outcome.banks import check_spreading, spread_spikes
from ..outcome.evaluation import embed
from ..outcome.groups import check_groups
from ..outcome.results import integer_layers, spikes_compared, weights_table, with_metrics, with_references
from ..outcome.state_bits import narrowed
from ..outcome.validation import Validation
from ..rules.base import Batch, Diverged, Means, make_rule
from ..rules.ranks import Ranks, joined_ranks
from ..rules.schedule import one_cycle
from .checkpoint import Progress, Stopwatch, load_checkpoint, read_checkpoint, save_checkpoint
from .health import SILENT_BATCHES, check_outputs, check_spikes, check_weights, diverged
from .interrupts import Interrupts
from .memory import keep_freed_memory
from .tensorboard import EventLog

if TYPE_CHECKING:
    from ...config import Config

NETWORK_FILE = "network.safetensors"
METRICS_FILE = "metrics.json"
LOG_FILE = "train.jsonl"
CHECKPOINT_FILE = "checkpoint.safetensors"
# Between checkpoints at the ends of epochs; an interruption always writes one.
CHECKPOINT_SECONDS = 5.0
# Training images whose events tell whether a target of clocks can be met at all.
COST_IMAGES = 1000


class TrainingInterrupted(Interrupted):
    """Ctrl-C: the checkpoint is written, and the message says how to go on."""


def train(
    config: Config,
    out: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    dataset: Dataset | None = None,
    on_step: Callable[[int, int], None] | None = None,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """Train `config`'s network and write network, metrics, log and checkpoint into the folder `out`.

    resume    go on from the checkpoint in `out` (start anew if there is none); the network file is
              byte-identical to that of an uninterrupted run
    dataset   instead of the one that the configuration names
    on_step   called with (epoch, batches done) after each batch; a KeyboardInterrupt that it
              raises counts as Ctrl-C
    tensorboard   write the log as event files as well (see tensorboard.py)

    Under torchrun the processes share every batch, and the first one writes. Returns the content of
    ``metrics.json``, nothing in the other processes. Raises TrainingInterrupted after Ctrl-C,
    TwinspikeError for a network that stays silent or diverges, a batch that the processes cannot
    share, a bad checkpoint, and data that cannot be had.
    """
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(config.training.threads)
    try:
        with joined_ranks() as ranks:
            show = progress and ranks.first
            dataset = dataset or config_dataset(config, progress=show)
            run = _Run(config, dataset, Path(out), show, ranks)
            if resume:
                run.restore()
            if tensorboard and ranks.first:
                run.events = EventLog(Path(out), config.toml(), run.progress.history)
            try:
                run.fit(on_step)
            finally:
                run.leave()
        return run.conclude() if ranks.first else {}
    finally:
        torch.set_num_threads(before)


def export(config: Config, out: Path, *, progress: bool = True) -> dict[str, Any]:
    """Write network and metrics anew from the checkpoint in `out`, trained or not yet to the end.

    Returns the content of ``metrics.json``. Raises TwinspikeError if there is no checkpoint.
    """
    return _restored(config, config_dataset(config, progress=progress), Path(out), progress).conclude()


def trained_network(config: Config, out: Path, dataset: Dataset) -> SpikingNetwork:
    """The network of the checkpoint in `out`, in evaluation mode, to run in software."""
    run = _restored(config, dataset, Path(out), False)
    run.renumber()
    return run.network.eval()


def _restored(config: Config, dataset: Dataset, out: Path, show: bool) -> _Run:
    run = _Run(config, dataset, out, show, Ranks())
    if not run.restore():
        train = shlex.join(["twinspike", "train", "--config", config.given or config.name])
        raise TwinspikeError(f"{run.checkpoint} does not exist: train first: {train}")
    return run


class _Run:
    def __init__(self, config: Config, dataset: Dataset, out: Path, show: bool, ranks: Ranks):
        # TF32 would round integers above 2^11: spikes could then differ from the golden model's.
        torch.set_float32_matmul_precision("highest")
        self.config, self.settings = config, config.training
        self.out, self.show, self.ranks = out, show, ranks
        self.dataset = dataset = dataset.first(self.settings.images).holding_out(
            self.settings.validate, config.data.seed
        )
        self.device = ranks.device()
        check_outputs(config, dataset)
        check_spreading(config)
        check_groups(config.training)
        self.network = SpikingNetwork(config, dataset.shape)
        self.network.initialise(self.settings, _generator(config.seed))
        self.network.to(self.device)
        self.progress = Progress()
        images = torch.from_numpy(dataset.train_images).to(self.device)
        self.labels = torch.from_numpy(dataset.train_labels).to(self.device)
        if self.settings.quarter_turns:
            images, self.labels = with_quarter_turns(images, self.labels)
        self.inputs = TrainingInputs(images, self.labels, config.encoder, config.timesteps, self.settings)
        self.batch = min(self.settings.batch_size, len(self.labels))
        self.steps = len(self.labels) // self.batch
        self.epochs = self.settings.passes(self.steps)
        self.own = ranks.share(self.batch)
        self.parallel = ranks.parallel(self.network)
        self.rule = make_rule(self.network, Means(self.settings, ranks, self._cost(images)))
        self.events: EventLog | None = None
        self.validation: Validation | None = None
        if self.settings.validate and ranks.first:
            given = self.rule.references(np.unique(dataset.train_labels))
            self.validation = Validation(dataset, self.device, given)

    def _cost(self, images: Tensor) -> CycleCost | None:
        """The core's clocks in the loss, where they have a price; checks that a target can be met."""
        if not self.settings.cycles_weight:
            return None
        config = self.config
        cost = cycle_cost(config, self.dataset.classes, self.dataset.shape)
        if self.settings.cycles_target:
            spikes = input_spikes(config.encoder, images[:COST_IMAGES], config.timesteps)
            cost.check_target(cost.arriving(spikes), self.settings.cycles_target)
        return cost

    @property
    def checkpoint(self) -> Path:
        return self.out / CHECKPOINT_FILE

    def restore(self) -> bool:
        """Go on from the checkpoint of the first process; False if there is none."""
        found = self.ranks.first and self.checkpoint.exists()
        data = self.ranks.of_first(read_checkpoint(self.checkpoint) if found else None)
        if data is not None:
            table = weights_table(self.config)
            self.progress = load_checkpoint(data, self.checkpoint, self.network, self.rule, table)
        return data is not None

    def leave(self) -> None:
        """Part from the other processes, before their group is destroyed.

        A reducer that goes after the group takes it along while it holds Python's lock, for which the
        group's own thread may be waiting: the process would never end.
        """
        self.parallel = self.network
        gc.collect()

    def save(self) -> None:
        """Write the checkpoint; raises TwinspikeError instead if a weight is not finite."""
        check_weights(self.network, self.config, self.progress)
        if self.ranks.first:
            table = weights_table(self.config)
            save_checkpoint(self.checkpoint, self.network, self.rule, self.progress, table)

    def fit(self, on_step: Callable[[int, int], None] | None) -> None:
        p, epochs = self.progress, self.epochs
        saved = time.monotonic()
        watch = Stopwatch(p)
        bar = Bar(
            total=epochs * self.steps,
            initial=p.epoch * self.steps + p.step,
            desc=f"train {self.config.name}",
            unit="batch",
            disable=not self.show,
        )
        with bar, Interrupts() as interrupts:
            while p.epoch < epochs:
                order = epoch_order(
                    self.labels, self.settings.per_class, _generator(self.config.seed, p.epoch)
                )
                while p.step < self.steps:
                    chosen = order[p.step * self.batch : (p.step + 1) * self.batch].to(self.device)
                    self._accumulate(self._learn(chosen))
                    p.step += 1
                    if p.step in (SILENT_BATCHES, self.steps):
                        check_spikes(self._spikes(p.sums), self.config, p, p.step)
                    bar.update()
                    interrupted = False
                    try:
                        if on_step:
                            on_step(p.epoch, p.step)
                    except KeyboardInterrupt:
                        interrupted = True
                    if self.ranks.any(interrupted or interrupts.wanted):
                        watch.read()
                        self.save()
                        raise TrainingInterrupted(
                            f"training interrupted in epoch {p.epoch + 1} of {epochs}, batch {p.step} of "
                            f"{self.steps}; nothing is lost: go on with --resume ({self.checkpoint})"
                        )
                row = self._close_epoch()
                watch.read()
                bar.set_postfix(_shown(row))
                if time.monotonic() - saved > CHECKPOINT_SECONDS or p.epoch == epochs:
                    self.save()
                    saved = time.monotonic()

    def _learn(self, chosen: Tensor) -> dict[str, float]:
        """One step of the rule on the images of index `chosen`; gives what the log adds up."""
        p, s = self.progress, self.settings
        spikes = self.inputs.batch(chosen, _generator(self.config.seed, p.epoch, p.step), self.own)
        done = (p.epoch * self.steps + p.step) / (self.epochs * self.steps)
        self.network.anneal(done)
        rate = one_cycle(p.epoch * self.steps + p.step, self.epochs * self.steps, s.learning_rate)
        try:
            return self.rule.step(self.parallel, Batch(spikes, self.labels[chosen], rate))
        except Diverged as found:
            raise diverged(self.config, p, str(found)) from None

    def _accumulate(self, figures: dict[str, float]) -> None:
        sums = self.progress.sums
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + value

    def _spikes(self, figures: dict[str, float]) -> list[float]:
        return [figures[f"layer {i}"] for i in range(len(self.config.layers))]

    def _close_epoch(self) -> dict[str, Any]:
        """Log the epoch that is done and go to the next."""
        p = self.progress
        check_weights(self.network, self.config, p)
        means = {name: value / self.steps for name, value in p.sums.items()}
        spikes = self._spikes(means)
        p.epoch, p.step, p.sums = p.epoch + 1, 0, {}
        hidden = sum(spikes[:-1]) / max(1, len(spikes) - 1)
        row = {"epoch": p.epoch, "loss": means["loss"], "hidden_spikes": hidden, "output_spikes": spikes[-1]}
        if self.validation:
            row["validation_macro_f1"] = self.validation.macro_f1(self.network)
        p.history.append(row)
        if self.ranks.first:
            write_atomically(self.out / LOG_FILE, "".join(json.dumps(r) + "\n" for r in p.history))
        if self.events:
            self.events.add(row)
        return row

    def renumber(self) -> None:
        """Number hidden neurons as they are exported; the checkpoint keeps the numbers of the training."""
        spread_spikes(self.network, self.config, self.dataset.train_images, self.show)

    def conclude(self) -> dict[str, Any]:
        """Export, compare with the golden model, evaluate, and write the network and its metrics."""
        self.network.eval()
        self.renumber()
        taught = self.dataset.taught or self.dataset
        wide = integer_layers(self.network, self.config, taught)
        integer, state, counts = narrowed(wide, self.dataset.train_images, progress=self.show)
        # Narrower states change no spike of these images: their counts serve for all that follows.
        same = taught is self.dataset
        if not same:
            counts = embed(wide, taught.train_images, progress=self.show, title="references").counts
        given = self.rule.references(np.unique(taught.train_labels))
        integer = with_references(integer, self.config, taught, counts, self.show, given)
        self.network.behave_as([layer.spec for layer in integer.layers])
        compared = spikes_compared(self.network, integer, self.dataset.test_images, self.show)
        integer, figures = with_metrics(integer, taught, counts if same else None, self.show)
        metrics = figures | {
            "train_seconds": round(self.progress.seconds, 1),
            "train_cpu_seconds": round(self.progress.cpu_seconds, 1),
            "epochs": self.progress.epoch,
            "torch_golden_mismatches": 0,
            "torch_golden_compared": compared,
            "weight_bits": [synapses.spec.weight_bits for synapses in self.network.synapses],
            "state": state,
            "config": self.config.table(),
            "seed": self.config.seed,
            "versions": integer.provenance["versions"],
            "data_checksums": dict(self.dataset.checksums),
            "network_hash": integer.content_hash,
            "device": str(self.device),
        }
        self._write(integer, metrics)
        if self.events:
            self.events.conclude(metrics)
        return metrics

    def _write(self, integer: Network, metrics: dict[str, Any]) -> None:
        write_json(self.out / METRICS_FILE, metrics)
        integer.save(self.out / NETWORK_FILE)


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """What the bar says of the last epoch."""
    said = {"loss": f"{row['loss']:.3f}", "spikes": f"{row['hidden_spikes']:.2f}"}
    return said | ({"f1": f"{row['validation_macro_f1']:.4f}"} if "validation_macro_f1" in row else {})


def _generator(*words: int) -> torch.Generator:
    """Randomness as a function of (seed, epoch, step): nothing to save, nothing that can drift."""
    state = np.random.SeedSequence(words).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))
