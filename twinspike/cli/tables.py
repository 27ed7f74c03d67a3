"""Tables for a terminal of 80 columns, and for logs."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def print_table(title: str, columns: dict[str, list[str]]) -> None:
    """Print named columns of equal length; the first is set left, figures right, and only titles wrap."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1), show_edge=False)
    for at, (name, cells) in enumerate(columns.items()):
        width = max(map(len, [*cells, *name.split()]))
        table.add_column(name, justify="right" if at else "left", width=width)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    Console().print(table)
