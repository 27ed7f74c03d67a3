"""Tests that need an optional tool: marked, skipped where it is missing, counted in one closing line."""

import pytest
from support.optional import NEEDS, missing_lines, wanted


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="a skipped test is a failure: what it needs should be there"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(name): skip unless NEEDS[name] of tests/support is there")
    config.addinivalue_line("markers", "optional_tool: needs a program that no Python package has")
    for name, need in NEEDS.items():
        config.addinivalue_line("markers", f"{name}: needs {need.title}")


# Before pytest's own hook, which selects by these markers.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in wanted(item):
            item.add_marker(name)
            if NEEDS[name].program:
                item.add_marker("optional_tool")


# Before fixtures are made: they too may need what is missing.
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in wanted(item):
        if not NEEDS[name].found():
            pytest.skip(NEEDS[name].reason)


def pytest_terminal_summary(terminalreporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    parts = missing_lines(skipped)
    if parts:
        terminalreporter.write_line("; ".join(parts), yellow=True)
    if skipped and terminalreporter.config.getoption("no_skips"):
        terminalreporter.write_line(f"--no-skips: {len(skipped)} tests were skipped", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("no_skips") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
