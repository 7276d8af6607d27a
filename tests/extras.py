"""Packages that are extras: what needs one is skipped where it does not import, and says so."""

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

__all__ = ["BUILDABLE", "PATHS", "SAVED", "importable", "needed_by", "needs"]

_OF_TYPES = {"AutoBackbone": "transformers", "TIMMBackbone": "timm", "TIMMClassifier": "timm"}
"""The packages that components are made of, by their type names."""


@cache
def importable(package: str) -> bool:
    """Whether a package is there and imports: torchvision, which timm needs, does not beside every torch."""
    try:
        importlib.import_module(package)
    except (ImportError, RuntimeError, OSError):
        return False
    return True


def needs(package: str) -> pytest.MarkDecorator:
    """Skips a test where a package is missing."""
    return pytest.mark.skipif(
        not importable(package), reason=f"needs {package}, an extra that does not import here: make test-extras has it"
    )


def needed_by(text: str) -> tuple[str, ...]:
    """The packages without which a graph, or a component of this name, cannot be built."""
    return tuple({package for name, package in _OF_TYPES.items() if name in text})


def _with_marks(path: Path) -> Any:
    return pytest.param(path, marks=[needs(package) for package in needed_by(path.read_text())], id=path.stem)


PATHS = sorted((Path(__file__).parents[1] / "saved_graphs").rglob("*.yaml"))
"""The saved graphs."""

SAVED = [_with_marks(path) for path in PATHS]
"""The saved graphs as parameters of a test that builds them."""

BUILDABLE = [path for path in PATHS if all(map(importable, needed_by(path.read_text())))]
"""The saved graphs that can be built here."""
