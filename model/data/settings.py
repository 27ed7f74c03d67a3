"""The section `[data]` of a configuration: how a dataset of one's own is read and split."""

import dataclasses

from ...numerics.fields import setting


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """How the files that `dataset = "path"` names become samples, and which of them measure."""

    size: tuple[int, ...] = setting((), low=1, high=4096, help="height and width that images get")
    fit: str = setting("pad", choices=("pad", "crop", "stretch"), help="how other proportions fit")
    channels: int = setting(0, choices=(0, 1, 3), help="1 grey, 3 colour, 0 as the images are")
    invert: bool = setting(False, help="dark on light becomes light on dark")
    test: float = setting(0.2, low=0.01, high=0.9, help="share that measures, where there is no test part")
    validate: float = setting(
        0.0,
        low=0.0,
        high=0.9,
        help="to choose settings by: this share of the training samples measures instead (its own val part, "
        "where the data has one)",
    )
    group: str = setting("", help="column, array or file name's pattern that parts do not share")
    label: str = setting("", help="the column of labels in a .csv file (default: the last)")
    fold: int = setting(0, low=0, high=99, help="of a named dataset that has several splits, which one")
    speeds: tuple[int, ...] = setting(
        (), low=50, high=200, help="per cent: training sounds are heard at these speeds as well"
    )
    variants: int = setting(
        0, low=0, high=16, help="so often training sounds are heard again, ends and loudness drawn by chance"
    )
    classes: int = setting(
        0, low=0, high=0xFFFF, help="only labels below this are learnt, the others are left to enrol; 0: all"
    )
    beside: str = setting(
        "",
        choices=("", "omniglot"),
        help="omniglot: its background characters train as well, so that new classes are told apart better",
    )
    seed: int = setting(0, low=0, high=2**31 - 1, help="another seed splits otherwise")
