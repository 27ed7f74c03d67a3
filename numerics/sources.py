"""Digests of the code itself: what was made by other code may have to be made again."""

import ast
import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable


def source_hash(
    *parts: str, suffixes: tuple[str, ...] = (".py",), bare: bool = False, without: tuple[str, ...] = ()
) -> str:
    """SHA-256, hexadecimal, of the sources of subpackages ("hw") and modules ("sim.golden") of twinspike.

    Every file below a subpackage that ends with one of `suffixes` counts, however deep it lies. With `bare`
    comments, docstrings and layout of Python files do not count; neither do the modules `without`.
    """
    left_out = {f"{module.replace('.', '/')}.py" for module in without}
    digest = hashlib.sha256()
    for part in parts:
        for name, file in sorted(_files(part, suffixes), key=lambda found: found[0]):
            if name in left_out:
                continue
            text = file.read_text(encoding="utf-8")
            digest.update(f"{name}\n{_bare(text) if bare and name.endswith('.py') else text}".encode())
    return digest.hexdigest()


def _files(part: str, suffixes: tuple[str, ...]) -> Iterator[tuple[str, Traversable]]:
    *packages, last = part.split(".")
    folder = resources.files(".".join(["twinspike", *packages]))
    module = folder.joinpath(f"{last}.py")
    if packages and module.is_file():
        yield f"{'/'.join(packages)}/{last}.py", module
    else:
        yield from _below(resources.files(f"twinspike.{part}"), part.replace(".", "/"), suffixes)


def _below(folder: Traversable, where: str, suffixes: tuple[str, ...]) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = f"{where}/{entry.name}"
        if entry.is_dir():
            yield from _below(entry, name, suffixes)
        elif entry.name.endswith(suffixes):
            yield name, entry


def _bare(source: str) -> str:
    """A Python file without what does not change what it does."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            first = body[0].value
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                body[0].value = ast.Constant("")
    return ast.dump(tree)
