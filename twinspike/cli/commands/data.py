"""`data`: the datasets."""

from typing import Annotated

import typer

from twinspike.cli.app import command


@command("data")
def data(
    datasets: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="digits, mnist, fashion (default: all)")
    ] = None,
) -> None:
    """Verify datasets, and download those that are missing.

    They are looked for in $TWINSPIKE_DATA, else in the user's cache folder.
    """
    from twinspike.model.datasets import DATASETS, ensure_dataset

    for name in datasets or DATASETS:
        files = ensure_dataset(name)
        for path in files:
            print(f"{name}: {path} verified")
        if not files:
            print(f"{name}: embedded, nothing to download")
