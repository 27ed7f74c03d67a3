"""README and docs: filled from results and code, nothing typed, no dead links."""

import json
import re
from pathlib import Path

import pytest

from twinspike.config import load_config
from twinspike.documents.fill import documents, fill, fill_documents, pictures, unmarked
from twinspike.documents.tables import NOT_YET, Figures
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json

ROOT = Path(__file__).parents[3]
DOCUMENTS = [*documents(ROOT), ROOT / "CONTRIBUTING.md"]
# A measured figure: a number with a unit of performance or size, or an F1 in digits.
UNITS = (
    r"MHz|GHz|[µun]s|ms|seconds|minutes|LUTs?|LCs?|logic cells|flip-flops|clocks|cycles|[mµu]?W|[mµun]J|F1"
)
TYPED = re.compile(
    rf"(?<![\w.^])\d[\d.,]*\s?(?:%|(?:{UNITS})(?![\w-]))|\bF1\b[^.|\n]{{0,30}}?\b0\.\d|\b0\.\d{{3,}}"
)


def names(paths):
    return [path.relative_to(ROOT).as_posix() for path in paths]


@pytest.fixture(scope="module")
def figures():
    return Figures.read(ROOT / "results")


@pytest.mark.parametrize("path", documents(ROOT), ids=names(documents(ROOT)))
def test_documents_are_what_results_and_code_say(path, figures):
    text = path.read_text(encoding="utf-8")
    drift = text != fill(text, figures, path.relative_to(ROOT).as_posix())
    assert not drift, f"{path.name} differs from what results/ and the code say: run make docs"


def test_drawings_are_what_results_and_code_make(figures):
    for name, picture in pictures(figures, ROOT).items():
        found = (ROOT / "docs" / "images" / name).read_text(encoding="utf-8")
        assert found == picture, f"docs/images/{name} is not what the code draws: run make docs"


@pytest.mark.parametrize("path", documents(ROOT), ids=names(documents(ROOT)))
def test_everything_was_measured(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        assert NOT_YET not in line, f"{line}: run make train sim synth results docs CONFIG=..."


@pytest.mark.parametrize("name", Figures.read(ROOT / "results").records)
def test_figures_are_of_the_present_configuration(figures, name):
    now = json.loads(json.dumps(load_config(name).table()))
    then = figures.records[name]["configuration"]
    changed = [
        f"{section}.{key}"
        for section in ("encoder", "training", "hardware")
        for key, value in then[section].items()
        if now[section].get(key) != value
    ]
    changed += [key for key in ("dataset", "seed", "timesteps", "layers") if now[key] != then[key]]
    assert not changed, f"results/{name}.json was measured with other settings: measure it again"


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_no_figure_is_typed(path):
    found = [match[0] for match in TYPED.finditer(unmarked(path.read_text(encoding="utf-8")))]
    assert not found, f"{path.name}: put these into a marked region that make docs fills: {found}"


@pytest.mark.parametrize(
    "text",
    [
        "53.3 MHz",
        "in 22 µs",
        "4,060 logic cells",
        "13.4% active",
        "25 uJ",
        "macro-F1 of 0.98",
        "reached 0.9864",
        "9 clocks",
    ],
)
def test_typed_figures_are_found(text):
    assert TYPED.search(f"The core: {text}.")


@pytest.mark.parametrize(
    "text", ["iCE40 UP5K", "16-bit words", "T = 8", "Python 3.11 or later", "8x8 digits", "2^24"]
)
def test_names_and_definitions_are_no_figures(text):
    assert not TYPED.search(f"Of {text} it is said.")


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{path.name} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles], target


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_make_targets_exist(path):
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = unmarked(path.read_text(encoding="utf-8"))
    named = {
        word
        for call in re.findall(r"(?:`|^)make ((?:[a-z][a-z-]* ?)+)", text, re.MULTILINE)
        for word in call.split()
    }
    assert named <= known


@pytest.mark.parametrize("path", documents(ROOT), ids=names(documents(ROOT)))
def test_regions_inside_a_line_do_not_begin_it(path):
    # Markdown takes a line that begins with a comment for HTML and leaves it as it is.
    for line in path.read_text(encoding="utf-8").splitlines():
        assert not re.match(r"<!-- fill: \S.*<!-- /fill -->", line), line


def repository(tmp_path, readme):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(readme)
    return tmp_path


def test_filling_takes_the_figure_from_results_and_rests_once_filled(tmp_path):
    root = repository(tmp_path, "a <!-- fill: value mnist.macro_f1 .4f -->0.1<!-- /fill --> b")
    write_json(root / "results" / "mnist.json", {"macro_f1": 0.98644})
    assert fill_documents(root) == [root / "README.md"]
    filled = "a <!-- fill: value mnist.macro_f1 .4f -->0.9864<!-- /fill --> b"
    assert (root / "README.md").read_text() == filled
    assert fill_documents(root) == []


@pytest.mark.parametrize(
    "call",
    ["accuracy", "exactness", "hardware", "peers", "value mnist.macro_f1", "value mnist.synth.up5k.spram"],
)
def test_what_is_not_measured_says_so(call):
    text = fill(f"<!-- fill: {call} --><!-- /fill -->", Figures({}, {"accelerators": []}), "README.md")
    assert NOT_YET in text


def test_a_device_that_was_not_measured_says_so():
    figures = Figures({"mnist": {"synth": {"up5k": {"latency_us": 1.5}}}}, {})
    assert figures.look_up("mnist.synth.up5k.latency_us") == 1.5
    assert figures.look_up("mnist.synth.hx8k.latency_us") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- fill: acuracy --><!-- /fill -->", "D: fill 'acuracy' is unknown: allowed are value, accuracy"),
        ("<!-- fill: settings trainin --><!-- /fill -->", "D: fill 'settings trainin' is not right"),
        ("<!-- fill: accuracy mnist --><!-- /fill -->", "D: fill 'accuracy mnist' is not right"),
        ("<!-- fill: block core.Cor --><!-- /fill -->", "D: fill 'block core.Cor' is not right"),
        (
            "<!-- fill: value mnist.f1 --><!-- /fill -->",
            "D: fill 'value mnist.f1' is not right: there is no f1",
        ),
        ("<!-- fill: accuracy -->", "D: fill markers do not pair"),
    ],
)
def test_bad_regions_are_refused(text, message):
    with pytest.raises(TwinspikeError, match=re.escape(message)):
        fill(text, Figures({"mnist": {"macro_f1": 0.9}}, {}), "D")


def test_torn_results_are_refused(tmp_path):
    (tmp_path / "mnist.json").write_text("{")
    with pytest.raises(TwinspikeError, match=r"mnist\.json: cannot be read"):
        Figures.read(tmp_path)


def test_files_of_other_commands_are_no_configurations(tmp_path):
    write_json(tmp_path / "mnist.json", {"configuration": {}, "macro_f1": 0.9})
    write_json(tmp_path / "study.json", {"rows": {"base": {"macro_f1": 0.8}}})
    figures = Figures.read(tmp_path)
    assert list(figures.records) == ["mnist"] and list(figures.studies) == ["study"]
    assert figures.look_up("study.rows.base.macro_f1") == 0.8


def test_outside_a_repository_nothing_is_filled(tmp_path):
    with pytest.raises(TwinspikeError, match="run this step in the repository"):
        fill_documents(tmp_path)
