"""Pages from templates beside this file: one style, nothing loaded from elsewhere."""

from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from twinspike import __version__


def render(template: str, **context: Any) -> str:
    """The text of a page; whatever a template names must be there."""
    files = resources.files(__package__)
    loader = FunctionLoader(lambda name: files.joinpath(name).read_text(encoding="utf-8"))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=loader
    )
    return environment.get_template(template).render(version=__version__, **context)
