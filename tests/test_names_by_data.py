"""No module of composer names a port type, a kind or a component as text: what belongs to one stands with it."""

import ast
import re
from collections.abc import Set
from pathlib import Path

import pytest

import composer
from composer.training.data.samples import COLUMN_TYPES

SOURCE = Path(composer.__file__).parent
CATALOG = composer.Catalog.default()
TYPES, KINDS = set(CATALOG.port_types), set(CATALOG.kinds)
COMPONENTS = set(CATALOG.components)
SPARED = {"ports.py"}  # declares the types
WRITES_GRAPHS = "openmmlab"  # writes graphs of these types and kinds, as a person would
WRITES_LAYERS = "modules"  # writes the functions and modules of torch as components


def named(source: str, names: Set[str] = TYPES | KINDS) -> list[str]:
    """What a source names as text, with the lines; ``__all__`` and the label of a control may."""
    tree = ast.parse(source)
    spared: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__all__" for target in node.targets):
            spared |= {id(inner) for inner in ast.walk(node.value)}
        if isinstance(node, ast.keyword) and node.arg == "label":
            spared.add(id(node.value))
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in spared)
    return [f"{node.lineno}: {node.value}" for node in texts if node.value in names]


def named_in_the_browser(source: str) -> list[str]:
    """The types and kinds that a source of the front end names: as text, or in the name of a CSS property."""
    words = re.findall(r"""["'`](\w+)["'`]|--kind-(\w+)""", source)
    return [word for pair in words for word in pair if word in TYPES | KINDS]


def test_no_module_knows_a_type_or_kind_by_name() -> None:
    paths = {path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if WRITES_GRAPHS not in path.parts}
    found = {str(path): named((SOURCE / path).read_text("utf-8")) for path in paths if str(path) not in SPARED}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_module_knows_a_component_by_name() -> None:
    paths = {path.relative_to(SOURCE) for path in SOURCE.rglob("*.py")}
    general = {path for path in paths if not {WRITES_GRAPHS, WRITES_LAYERS, *SPARED} & set(path.parts)}
    assert len(general) > 200
    found = {str(path): named((SOURCE / path).read_text("utf-8"), COMPONENTS) for path in general}
    assert {path: names for path, names in found.items() if names} == {}


def test_every_column_of_data_has_a_declared_type() -> None:
    """A type that is text alone would be in no catalog, so that no test above could see it."""
    assert set(COLUMN_TYPES.values()) <= TYPES


def test_no_source_of_the_front_end_knows_a_type_or_kind_by_name() -> None:
    folder = SOURCE / "web" / "frontend" / "src"
    paths = [
        path for path in folder.rglob("*.*") if path.suffix in (".ts", ".tsx", ".css") and ".test." not in path.name
    ]
    assert len(paths) > 50
    generated = "payloads.ts"  # one of the edits is called Target
    found = {path.name: named_in_the_browser(path.read_text("utf-8")) for path in paths if path.name != generated}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('__all__ = ["Image"]\nf(label="Label")\nx = {"Boxes": 1}\n', ["3: Boxes"]),
        ('if component.kind == "heads":\n    pass', ["1: heads"]),
    ],
)
def test_a_type_named_as_text_is_found_in_python(source: str, found: list[str]) -> None:
    assert named(source) == found


def test_a_type_named_as_text_is_found_in_the_front_end() -> None:
    assert named_in_the_browser('const a = ["necks", `x`]; color: var(--kind-heads); b === "Image"') == [
        "necks",
        "heads",
        "Image",
    ]
