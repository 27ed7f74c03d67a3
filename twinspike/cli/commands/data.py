"""`data`: the datasets that have names, and a look at files of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.numerics.errors import TwinspikeError, did_you_mean


@command("data")
def data(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME|PATH", help="digits, mnist, ...; a folder or file"),
    ] = None,
    out: Annotated[Path, typer.Option(help="folder of the pictures")] = Path("build/data"),
) -> None:
    """Verify datasets that have names, or look at files of your own.

    Datasets with names are looked for in $TWINSPIKE_DATA, else in the user's cache folder. MNIST and
    Fashion-MNIST are downloaded into the cache if they are not there; what else is missing you put there
    yourself, and the message says from where. Without a name, all are looked for.

    Of a folder, an .npz or a .csv file you see parts, classes, sizes and a picture of some samples; of one
    recording its length and a picture; of a capture its flows. Every file of a folder is read, and what
    training would refuse is refused.
    """
    from twinspike.model.data.recorded import RECORDED
    from twinspike.model.data.shipped import DATASETS

    names = (*DATASETS, *RECORDED)
    absent = []
    for name in datasets or names:
        if name in names:
            try:
                _verify(name)
            except TwinspikeError as error:
                if datasets:
                    raise
                absent.append(name)
                print(f"{name}: {error}")
        elif Path(name).expanduser().exists():
            _look(Path(name).expanduser(), out)
        else:
            meant = did_you_mean(name, names)
            raise TwinspikeError(
                f"{name}: no file or folder, nor the name of a dataset: {meant}choose {', '.join(names)}"
            )
    if absent:
        print(f"{len(names) - len(absent)} of {len(names)} datasets can be used; not {', '.join(absent)}")


def _verify(name: str) -> None:
    from twinspike.model.data.recorded import RECORDED, recorded_files
    from twinspike.model.data.shipped import OMNIGLOT, ensure_dataset, load_dataset

    if name in RECORDED:
        for path in recorded_files(name):
            print(f"{name}: {path} is there (its publisher gives no checksum)")
    elif name == OMNIGLOT:
        _verify_omniglot()
    elif files := ensure_dataset(name):
        for path in files:
            print(f"{name}: {path} verified")
    else:
        images = load_dataset(name).train_labels
        print(f"{name}: comes with scikit-learn, nothing to download; {len(images)} training images")


def _verify_omniglot() -> None:
    from twinspike.model.data.omniglot import load_characters, load_one_shot_runs
    from twinspike.model.data.shipped import OMNIGLOT, omniglot_folder

    folder = omniglot_folder()
    for part, use in (("background", "to train with"), ("evaluation", "new characters to measure with")):
        found = load_characters(folder, part)
        print(
            f"{OMNIGLOT}: {folder / f'images_{part}.zip'} verified: {len(found.images):,} drawings of "
            f"{len(set(found.character.tolist())):,} characters, {use}"
        )
    runs = load_one_shot_runs(folder)
    print(f"{OMNIGLOT}: {folder / 'all_runs.zip'} verified: {len(runs)} runs of the one-shot task")


def _look(path: Path, out: Path) -> None:
    from twinspike.reports.data import look_at

    lines, picture = look_at(path, out)
    print("\n".join(lines))
    if picture:
        print(f"wrote {picture}")
