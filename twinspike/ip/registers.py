"""The register map in an IP package, in every form."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from twinspike import __version__
from twinspike.hw.bus.forms.c_header import registers_c
from twinspike.hw.bus.forms.html import registers_html
from twinspike.hw.bus.forms.ipxact import component_xml
from twinspike.hw.bus.forms.markdown import registers_markdown
from twinspike.hw.bus.forms.program import registers_json
from twinspike.hw.bus.forms.svd import registers_svd
from twinspike.hw.bus.forms.systemrdl import registers_rdl
from twinspike.hw.emit.names import Names
from twinspike.hw.plan import CorePlan
from twinspike.numerics.files import write_json

from .ports import Port


def write_registers(plan: CorePlan, tops: Mapping[str, Sequence[Port]], out: Path, names: Names) -> None:
    """Write the map for readers and programs into folder `out`, for other tools into its folder `registers`.

    `tops` are those with a bus, with their ports: each gets an IP-XACT component.
    """
    (out / "registers.md").write_text(registers_markdown(plan))
    write_json(out / "registers.json", registers_json(plan))
    folder = out / "registers"
    folder.mkdir()
    stem = f"{names.stem}_registers"
    licence = "SPDX-License-Identifier: Apache-2.0"
    (folder / f"{stem}.h").write_text(f"/* {licence} */\n{registers_c(plan, names.macro)}")
    (folder / f"{stem}.rdl").write_text(f"// {licence}\n{registers_rdl(plan, stem)}")
    (folder / f"{stem}.svd").write_text(registers_svd(plan, stem, __version__))
    (folder / f"{stem}.html").write_text(registers_html(plan, names.stem))
    for top, ports in tops.items():
        (folder / f"{top}.xml").write_text(component_xml(plan, top, __version__, ports))
