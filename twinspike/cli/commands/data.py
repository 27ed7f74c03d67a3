"""`data`: the datasets that have names, and a look at files of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.numerics.errors import TwinspikeError


@command("data")
def data(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME|PATH", help="digits, mnist, ...; a folder or file"),
    ] = None,
    out: Annotated[Path, typer.Option(help="folder of the pictures")] = Path("build/data"),
) -> None:
    """Verify datasets that have names, or look at files of your own.

    Datasets with names are looked for in $TWINSPIKE_DATA, else in the user's cache folder, and downloaded
    where they may be. Of a folder, an .npz or a .csv file you see parts, classes, sizes and a picture of some
    samples; of one recording its length and a picture; of a capture its flows.
    """
    from twinspike.model.data.shipped import DATASETS

    for name in datasets or DATASETS:
        if name in DATASETS:
            _verify(name)
        elif Path(name).expanduser().exists():
            _look(Path(name).expanduser(), out)
        else:
            raise TwinspikeError(
                f"{name}: no file or folder, nor the name of a dataset: choose {', '.join(DATASETS)}"
            )


def _verify(name: str) -> None:
    from twinspike.model.data.shipped import OMNIGLOT, ensure_dataset, load_dataset

    files = ensure_dataset(name)
    for path in files:
        print(f"{name}: {path} verified")
    if not files:
        loaded = load_dataset(name)
        where = "its archives verified" if name == OMNIGLOT else "embedded, nothing to download"
        print(f"{name}: {where}; {len(loaded.train_labels)} training images")


def _look(path: Path, out: Path) -> None:
    from twinspike.reports.data import look_at

    lines, picture = look_at(path, out)
    print("\n".join(lines))
    if picture:
        print(f"wrote {picture}")
