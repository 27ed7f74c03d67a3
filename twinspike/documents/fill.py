"""README and docs are filled from ``results/`` and from the code, so that no figure in them is typed.

A marked region is an HTML comment, what it is filled with, and a closing comment:

    <!-- fill: NAME ARGUMENTS -->...<!-- /fill -->

The names are those of :data:`FILLS`. A region that spans lines gets a table or
paragraphs, one inside a line gets a value.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

from twinspike.flow.cost import CLOCKS, clocks
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_atomically

from ..study.figures import draw_study
from . import bench as bench_tables
from . import board as board_tables
from . import contracts, flows, fuzz_maps, new_classes, tables
from . import energy as energy_tables
from . import hardware as hardware_tables
from . import interop as interop_tables
from . import interop_core as core_tables
from . import maps as map_tables
from . import methods as method_tables
from . import recorded as recorded_tables
from . import reliability as reliability_tables
from . import scaling as scaling_tables
from . import study as study_tables
from .badges import badges
from .flow_drawing import draw_flow
from .tables import Figures

# What a region may be filled with, by name.
FILLS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        tables.value,
        tables.accuracy,
        tables.exactness,
        tables.hardware,
        tables.peers,
        contracts.settings,
        contracts.encodings,
        contracts.devices,
        contracts.block,
        contracts.contract,
        contracts.constant,
        contracts.registers,
        study_tables.study,
        study_tables.sparsity,
        interop_tables.interop,
        interop_tables.drift,
        interop_tables.dialects,
        interop_tables.rates,
        interop_tables.exports,
        interop_tables.files,
        core_tables.interop_core,
        core_tables.drift_core,
        study_tables.claims,
        study_tables.recipes,
        study_tables.study_scale,
        new_classes.one_shot,
        new_classes.enrolment,
        new_classes.recorded_enrolment,
        new_classes.unknown,
        reliability_tables.fuzzing,
        reliability_tables.coverage,
        *fuzz_maps.FILLS,
        reliability_tables.netlists,
        reliability_tables.proofs,
        reliability_tables.hostile_files,
        reliability_tables.kills,
        reliability_tables.resets,
        bench_tables.training_speed,
        *hardware_tables.FILLS,
        *flows.FILLS,
        *board_tables.FILLS,
        *energy_tables.FILLS,
        *scaling_tables.FILLS,
        *map_tables.FILLS,
        *recorded_tables.FILLS,
        *method_tables.FILLS,
    )
}
_REGION = re.compile(r"<!-- fill: (?P<call>[^\n]+?) -->(?P<old>.*?)<!-- /fill -->", re.DOTALL)
_MARKER = re.compile(r"<!-- /?fill\b")


def documents(root: Path) -> list[Path]:
    """README.md and docs/**/*.md of the repository at `root`; raises TwinspikeError if it is none."""
    readme = root / "README.md"
    if not readme.is_file() or not (root / "docs").is_dir():
        raise TwinspikeError(f"{root} holds no README.md and docs: run this step in the repository")
    return [readme, *sorted((root / "docs").rglob("*.md"))]


def fill_documents(root: Path) -> list[Path]:
    """Fill every document of the repository anew, and the clocks that ship; returns files that changed."""
    figures = Figures.read(root / "results")
    changed = []
    for path in documents(root):
        old = path.read_text(encoding="utf-8")
        new = fill(old, figures, path.relative_to(root).as_posix())
        if new != old:
            write_atomically(path, new)
            changed.append(path)
    clock_file = root / "hw" / "predict" / CLOCKS
    if found := clocks(figures.records.values()):
        text = json.dumps(found, indent=2, sort_keys=True) + "\n"
        if not clock_file.is_file() or clock_file.read_text(encoding="utf-8") != text:
            write_atomically(clock_file, text)
            changed.append(clock_file)
    if "study" in figures.studies:
        changed += draw_study(figures.studies["study"], root / "docs")
    for name, picture in pictures(figures, root).items():
        path = root / "docs" / "images" / name
        if not path.is_file() or path.read_text(encoding="utf-8") != picture:
            write_atomically(path, picture)
            changed.append(path)
    return changed


def pictures(figures: Figures, root: Path) -> dict[str, str]:
    """Drawings of docs/images by name, as SVG: none where there is no pyproject.toml."""
    project = root / "pyproject.toml"
    return {"flow.svg": draw_flow(), **badges(figures, project)} if project.is_file() else {}


def fill(text: str, figures: Figures, where: str) -> str:
    """`text` with every region filled; `where` is the document's path and opens error messages.

    Raises TwinspikeError for an unknown name, wrong arguments, and markers that do not pair.
    """

    def replace(region: re.Match[str]) -> str:
        name, *arguments = region["call"].split()
        if name not in FILLS:
            raise TwinspikeError(f"{where}: fill {name!r} is unknown: allowed are {', '.join(FILLS)}")
        try:
            made = FILLS[name](figures, where, *arguments)
        except (TypeError, ValueError, LookupError, ImportError, AttributeError) as error:
            raise TwinspikeError(f"{where}: fill {region['call']!r} is not right: {error}") from None
        return f"<!-- fill: {region['call']} -->{made}<!-- /fill -->"

    if len(_MARKER.findall(text)) != 2 * len(_REGION.findall(text)):
        raise TwinspikeError(
            f"{where}: fill markers do not pair: each <!-- fill: --> needs its <!-- /fill -->"
        )
    return _REGION.sub(replace, text)


def unmarked(text: str) -> str:
    """`text` without its marked regions: what people typed."""
    return _REGION.sub("", text)
