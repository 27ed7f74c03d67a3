"""Fine-tuning as a step of an import: tried, judged on frames of its own, and kept only if it helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from twinspike.model.imports.drift import predictions
from twinspike.model.imports.finetune import fine_tune, tuning_spec
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_import import wired
from twinspike.sim import golden

if TYPE_CHECKING:
    from twinspike.flow.exchange import ImportOptions
    from twinspike.model.imports.frames import Frames
    from twinspike.quant.network import Network
    from twinspike.quant.nir_import import Stages


def tuned_network(
    stages: Stages,
    network: Network,
    frames: Frames,
    judge: Frames,
    options: ImportOptions,
    build: Callable[..., Network],
) -> tuple[Network, dict[str, Any]]:
    """The network trained on `frames`, and how it and the one before it do on the frames of `judge`."""
    if frames.labels is None:
        raise TwinspikeError(
            "--finetune needs labels: add an array `labels` to the calibration file, or give --config"
        )
    specs = [tuning_spec(one.layer.spec) for one in stages.rounded]
    trained = fine_tune(
        stages.reset,
        specs,
        frames.spikes,
        frames.labels,
        epochs=options.epochs,
        progress=options.progress,
    )
    tuned = build(wired(trained, stages.real))

    def right(one: Network) -> float:
        return float((predictions(golden.run(one, judge.spikes).spikes[-1]) == judge.labels).mean())

    before, after = right(network), right(tuned)
    # Of equals the one that was not trained on is nearer to the original.
    return tuned, {"held_out": len(judge), "before": before, "after": after, "kept": after > before}


def tuning_line(tuning: Mapping[str, Any]) -> str:
    return (
        f"fine-tuning: {tuning['after']:.2%} right of {tuning['held_out']:,} frames held out, "
        f"{tuning['before']:.2%} before it: {'kept' if tuning['kept'] else 'NOT kept'}"
    )
