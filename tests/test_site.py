"""The documentation as pages: built strictly, every link of every page leads somewhere."""

import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from twinspike.cli import main as cli
from twinspike.cli.app import app

ROOT = Path(__file__).parents[1]
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
HOME = URLS["Homepage"]


class Page(HTMLParser):
    """Links and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        self.links += [found[key] for key in ("href", "src") if found.get(key)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_no_link_is_dead(site, pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or path.name == "404.html":  # whose links begin at the root of a host
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            to = to / "index.html" if to.is_dir() else to
            known = pages[to].anchors if to in pages else None
            if not to.is_file() or (
                parts.fragment and known is not None and unquote(parts.fragment) not in known
            ):
                dead.append(f"{path.relative_to(site)}: {link}")
    assert not dead, dead


def test_links_into_the_repository_lead_to_files_of_it(pages):
    found = {link for page in pages.values() for link in page.links if link.startswith(f"{HOME}/")}
    assert found
    for link in found:
        target = re.sub(r"^(blob|tree)/main/", "", urlsplit(link.removeprefix(f"{HOME}/")).path)
        assert (ROOT / target).exists(), link


def test_pages_ask_no_other_host(pages):
    for path in pages:
        loaded = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', path.read_text())
        assert not [x for x in loaded if not x.startswith(HOME)], path.name


def test_the_project_has_one_address():
    assert all(url.startswith(HOME) for url in URLS.values())
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    project = HOME.rpartition("/")[2]
    spelled = re.compile(rf"https?://[\w.]+/[\w-]+/{project}\b")
    holding = {}
    kinds = (".md", ".py", ".toml", ".yml", ".j2", ".cff", ".v")
    for name in filter(lambda name: name.endswith(kinds), listed.stdout.split("\0")):
        if found := set(spelled.findall((ROOT / name).read_text(encoding="utf-8"))):
            holding[name] = found
    assert set(holding) == {"pyproject.toml", "README.md", "docs/install.md"}
    assert set.union(*holding.values()) == {HOME}


def test_every_document_is_a_page_that_can_be_reached(site, pages):
    start = (site / "index.html").resolve()
    reached, todo = {start}, [start]
    while todo:
        at = todo.pop()
        for link in pages[at].links:
            to = (at.parent / unquote(urlsplit(link).path)).resolve()
            if to in pages and to not in reached:
                reached.add(to)
                todo.append(to)
    documents = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    there = {path.relative_to(site).with_suffix("") for path in reached}
    assert {d for d in documents if d.name != "README"} <= there


def test_generated_pages_hold_what_they_are_generated_from(site):
    assert cli
    text = (site / "reference" / "cli.html").read_text()
    for info in app.registered_commands:
        assert re.search(rf'<h3 id="{info.name}(_\d+)?"', text), info.name
    api = (site / "reference" / "api.html").read_text()
    for name in (
        "loading.load",
        "networks.Net.classify",
        "training.train",
        "cores.Core.simulate",
        "reporting.report",
    ):
        assert f'id="twinspike.api.{name}"' in api, name
    assert "Parts to install" in (site / "versions.html").read_text()
