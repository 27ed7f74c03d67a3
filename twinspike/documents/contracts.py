"""What marked regions of README and docs are filled with: settings and contracts, read from the code."""

import dataclasses
import importlib
import inspect
import json
from typing import Any

from .tables import Figures, table


def settings(figures: Figures, where: str, name: str) -> str:
    """The keys of a table of the configuration file, from the dataclass that reads it."""
    from twinspike import config
    from twinspike.hw.settings import HardwareSettings
    from twinspike.model.data.settings import DataSettings
    from twinspike.model.settings import TrainingSettings
    from twinspike.numerics.fields import allowed
    from twinspike.quant.spec import LayerSettings
    from twinspike.quant.synapses.kinds import KINDS

    classes: dict[str, type] = {
        "configuration": config.TopSettings,
        "layers": LayerSettings,
        "data": DataSettings,
        "training": TrainingSettings,
        "hardware": HardwareSettings,
        **{kind: found.settings for kind, found in KINDS.items() if kind != "dense" and found.settings},
    }
    # A kind with neurons has the keys of every layer, which stand once; no kind on a map has `neurons`.
    layer = {f.name for f in dataclasses.fields(LayerSettings)}
    told = layer if name in KINDS and issubclass(classes[name], LayerSettings) else set()
    rows = [
        [f"`{f.name}`", f"`{_toml(f.default)}`", allowed(f), f.metadata["help"]]
        for f in dataclasses.fields(classes[name])
        if f.name not in told
    ]
    return table(("key", "default", "allowed", "meaning"), rows)


def encodings(figures: Figures, where: str) -> str:
    """Every spike encoding with its parameters and the first paragraph of its definition."""
    from twinspike.numerics.encodings import ENCODINGS
    from twinspike.numerics.fields import allowed

    rows = []
    for kind, encoding in ENCODINGS.items():
        keys = [
            f"`{f.name} = {_toml(f.default)}`: {f.metadata['help']} ({allowed(f)})"
            for f in dataclasses.fields(encoding)
        ]
        rows.append([f"`{kind}`", _paragraphs(encoding)[0], "<br>".join(keys)])
    return table(("kind", "spikes", "parameters"), rows)


def devices(figures: Figures, where: str) -> str:
    """The devices that `synth` knows, and what they hold."""
    from twinspike.hw.devices import DEVICES

    rows = [
        [
            f"`{d.name}`",
            d.title,
            f"{d.logic_cells:,}",
            f"{d.ram_blocks} x {d.ram_block_bits:,} bits",
            str(d.spram),
        ]
        for d in DEVICES.values()
    ]
    return table(("target", "device", "logic cells", "block RAMs", "SPRAM blocks"), rows)


def block(figures: Figures, where: str, name: str) -> str:
    """A hardware component's contract: its docstring up to the list of its members."""
    module_name, _, class_name = name.rpartition(".")
    component = getattr(importlib.import_module(f"twinspike.hw.{module_name}"), class_name)
    up = "../" * where.count("/")
    text = []
    for paragraph in _paragraphs(component):
        if paragraph.startswith("Members"):
            break
        text.append(paragraph)
    file = f"hw/{module_name.replace('.', '/')}.py"
    return f"\n**{class_name}** ([{file}]({up}{file})). " + "\n\n".join(text) + "\n"


def registers(figures: Figures, where: str) -> str:
    """The register map of a core behind a bus: offsets, fields and what they mean, for any network."""
    from twinspike.hw.bus.forms.markdown import registers_table

    return "\n".join(["", "", *registers_table(), "", ""])


def contract(figures: Figures, where: str, module_name: str) -> str:
    """A module's docstring as it stands, formulas and all."""
    module = importlib.import_module(f"twinspike.{module_name}")
    return f"\n```text\n{inspect.cleandoc(module.__doc__ or '')}\n```\n"


def constant(figures: Figures, where: str, name: str) -> str:
    """A constant of the code, as in ``hw.plan.STATE_LATENCY``."""
    module_name, _, attribute = name.rpartition(".")
    return f"{getattr(importlib.import_module(f'twinspike.{module_name}'), attribute):,}"


def _toml(default: Any) -> str:
    if isinstance(default, tuple):
        return json.dumps(list(default))
    return json.dumps(default)


def _paragraphs(documented: Any) -> list[str]:
    return [" ".join(p.split()) for p in inspect.cleandoc(documented.__doc__).split("\n\n")]
