"""What mkdocs is told beside mkdocs.yml: links into the repository, pages made of code, the API's place."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
# As in pyproject.toml: folders at the root that are subpackages.
FOLDERS = ("numerics", "quant", "model", "sim", "hw", "host", "configs", "pretrained")
API = ROOT / "build" / "api"
HOME = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
_LINK = re.compile(r"(?P<before>\]\()(?P<target>(?![a-z]+:|#)[^()\s]+)(?P<after>\))")
_COMMANDS, _CHANGELOG = "<!-- site: commands -->", "<!-- site: changelog -->"


def on_startup(command: str, dirty: bool) -> None:
    """Lay the packages out as they are installed, for mkdocstrings, which reads files and imports nothing."""
    package = API / "twinspike"
    package.mkdir(parents=True, exist_ok=True)
    for old in package.iterdir():
        old.unlink()
    for entry in (ROOT / "twinspike").iterdir():
        if entry.name != "__pycache__":
            (package / entry.name).symlink_to(entry)
    for name in FOLDERS:
        (package / name).symlink_to(ROOT / name)


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """The page as the site has it."""
    if _COMMANDS in markdown:
        markdown = markdown.replace(_COMMANDS, commands())
    if _CHANGELOG in markdown:
        markdown = markdown.replace(_CHANGELOG, changelog())
    folder = (DOCS / page.file.src_uri).parent
    return _LINK.sub(lambda link: repository_link(link, folder), markdown)


def repository_link(link: re.Match[str], folder: Path) -> str:
    """A link to a file of the repository outside docs/ leads to where that is published."""
    path, _, anchor = link["target"].partition("#")
    to = (folder / path).resolve()
    if not path or to.is_relative_to(DOCS) or not to.is_relative_to(ROOT):
        return link[0]
    if not to.exists():
        return link[0]  # mkdocs says so
    kind = "tree" if to.is_dir() else "blob"
    url = f"{HOME}/{kind}/main/{to.relative_to(ROOT).as_posix()}"
    return f"{link['before']}{url}{'#' + anchor if anchor else ''}{link['after']}"


def changelog() -> str:
    """The changelog, its versions as sections of the page."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    _, _, body = text.partition("\n## ")
    return re.sub(r"\]\(docs/", "](", f"## {body}")


def commands() -> str:
    """Every command with its help and options."""
    import typer

    from twinspike.cli.app import MAINTAINERS, USERS, app
    from twinspike.cli.main import main  # noqa: F401  declares the commands

    panels = {info.name: info.rich_help_panel for info in app.registered_commands}
    found = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    parts = []
    for panel in (USERS, MAINTAINERS):
        parts.append(f"## {panel}")
        for name, command in found.items():
            if panels[name] == panel:
                parts += [f"### {name}", _help(command.help or ""), _options(command)]
    return "\n\n".join(parts)


def _help(text: str) -> str:
    """Paragraphs; indented lines are what is typed."""
    out, code = [], False
    for line in text.splitlines():
        indented = line.startswith("  ") and bool(line.strip())
        if indented != code:
            out.append("```text" if indented else "```")
            code = indented
        out.append(line[2:] if indented else _plain(line))
        if not indented and not line:
            out.append("")
    return "\n".join([*out, *(["```"] if code else [])]).replace("\n```text", "\n\n```text")


def _options(command: Any) -> str:
    rows = ["| option | means |", "| --- | --- |"]
    for option in command.params:
        if "--help" in option.opts:
            continue
        argument = option.param_type_name == "argument"
        shown = (option.metavar or option.name.upper()) if argument else ", ".join(option.opts)
        metavar = "" if argument or getattr(option, "is_flag", False) else f" {option.metavar or ''}"
        told = getattr(option, "help", None) or ""
        usual = option.default
        if (
            not getattr(option, "is_flag", False)
            and usual is not None
            and not callable(usual)
            and usual != ()
        ):
            told += f" (default: {usual})" if "default" not in told else ""
        code = f"{shown}{metavar}".strip().replace("|", "\\|")
        rows.append(f"| `{code}` | {_plain(told)} |")
    return "\n".join(rows) if len(rows) > 2 else ""


def _plain(text: str) -> str:
    """Text of a help that is no markup."""
    return re.sub(r"([<>*_|\[\]])", r"\\\1", text)
