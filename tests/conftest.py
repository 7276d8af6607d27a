"""What all tests share."""

import os

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
