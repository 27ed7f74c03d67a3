"""The MNIST network that ships, beside one whose data cannot show what an embedding is good for."""

import json
from importlib import resources
from typing import Any

from twinspike.config import Config

SHIPPED = "mnist"


def shipped_figures(config: Config, metrics: dict[str, Any] | None) -> dict[str, float] | None:
    """Figures of the network that ships, where raw pixels beat the embedding on the configuration's data.

    Keys macro_f1, baseline_knn_macro_f1 and test_images. None where the embedding wins, or nothing is
    measured.
    """
    if not metrics or "baseline_knn_macro_f1" not in metrics or config.dataset == SHIPPED:
        return None
    if max(metrics["macro_f1"], metrics.get("macro_f1_knn", 0.0)) >= metrics["baseline_knn_macro_f1"]:
        return None
    file = resources.files("twinspike.pretrained") / SHIPPED / "metrics.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    return {key: found[key] for key in ("macro_f1", "baseline_knn_macro_f1", "test_images")}
