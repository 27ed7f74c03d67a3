"""Deliberately broken hardware: a proof that does not reject it proves nothing."""

import contextlib
import dataclasses
import importlib
import inspect
import types
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One edit of a module below ``twinspike.hw``: `old`, which occurs once, becomes `new`."""

    module: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.module}: {' '.join(self.old.split())} -> {' '.join(self.new.split())}"


@contextlib.contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """Within the context the module behaves as if its source were edited, for whoever imported it.

    The functions of the module keep their identity and get the edited source's code.
    """
    module = importlib.import_module(f"twinspike.hw.{mutant.module}")
    source = inspect.getsource(module)
    if source.count(mutant.old) != 1:
        raise ValueError(f"the text occurs {source.count(mutant.old)} times, not once: {mutant}")
    edited = types.ModuleType(module.__name__)
    edited.__dict__.update(__package__=module.__package__, __file__=module.__file__)
    exec(compile(source.replace(mutant.old, mutant.new), module.__file__, "exec"), edited.__dict__)
    before = {}
    for name, function in _functions(module).items():
        before[function] = function.__code__
        function.__code__ = _functions(edited)[name].__code__
    try:
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code


def _functions(module: types.ModuleType) -> dict[str, types.FunctionType]:
    """The functions and methods that `module` itself defines, by qualified name."""
    found = {}
    for value in vars(module).values():
        owned = getattr(value, "__module__", None) == module.__name__
        if owned and isinstance(value, types.FunctionType):
            found[value.__qualname__] = value
        elif owned and isinstance(value, type):
            members = [m for m in vars(value).values() if isinstance(m, types.FunctionType)]
            found.update({m.__qualname__: m for m in members if m.__module__ == module.__name__})
    return found
