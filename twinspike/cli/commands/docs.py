"""`docs`: README and docs filled from results and code."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import MAINTAINERS, command


@command("docs", MAINTAINERS)
def docs(
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="the repository")] = Path(),
) -> None:
    """Fill README.md and docs/*.md from results/ and from the code."""
    from twinspike.documents.fill import fill_documents

    changed = fill_documents(root)
    print("docs: " + (", ".join(map(str, changed)) if changed else "up to date"))
