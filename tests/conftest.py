"""What all tests share."""

import os
from typing import Any

import pytest
from hypothesis import settings

# In continuous integration the same examples run every time; at a desk new ones do.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests run last, so that a mistake shows at once."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the project's own tests."""
    parser.addoption("--write-golden", action="store_true", help="write golden files instead of comparing with them")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker process say which browser it had."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["chromium"] = getattr(session.config.option, "chromium", None)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear which browser a worker process had."""
    if version := getattr(node, "workeroutput", {}).get("chromium"):
        node.config.option.chromium = version


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in which browser the flows ran."""
    if version := getattr(config.option, "chromium", None):
        terminalreporter.write_line(f"flows ran in Chromium {version}")
