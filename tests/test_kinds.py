"""Kinds that folders declare, those of users included, have their title, colours and order everywhere."""

import re
from pathlib import Path

import pytest

from composer import Catalog, GraphError
from composer.catalog.kinds import Kind, read_kind
from composer.export.draw import draw
from composer.graph.file import loads
from composer.web.catalog_source import CatalogSource
from composer.web.suggestions import suggestions_of
from composer.web.views import catalog_view
from composer.web.views.insight import insight_of

PART = '''\
"""A part."""

from torch import nn

from composer.ports import FeatureMap

__all__ = ["Blur"]


class Blur(nn.Module):
    """Nothing."""

    def forward(self, x: FeatureMap) -> FeatureMap:
        return x
'''

DECLARED = """\
KIND = {
    "title": "Filters of ours",
    "colour": "#112233",
    "dark": "#ddeeff",
    "order": 0,
    "endings": ("filter",),
    "after": ("backbones",),
}
raise RuntimeError("it is data and never run")
"""


def folder_with(root: Path, declared: str, kind: str = "my-filters") -> Path:
    folder = root / "my_parts" / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "blur.py").write_text(PART)
    (folder / "__init__.py").write_text(declared)
    return folder.parent


def test_a_user_folder_declares_its_title_colour_and_order(tmp_path: Path) -> None:
    catalog = Catalog.default().with_folder(folder_with(tmp_path, DECLARED))
    (view,) = [kind for kind in catalog_view(catalog, "1").kinds if kind.name == "my-filters"]
    assert (view.title, view.colour, view.dark) == ("Filters of ours", "#112233", "#ddeeff")
    graph = loads("schema: 1\nnodes: {blur: {type: Blur}}")
    assert 'fill="#112233"' in draw(graph, catalog)
    assert catalog.stand_ins("a", "OurFilter") == ["Blur"]
    offered = suggestions_of(insight_of(graph, catalog), (), None, "blur.x")
    assert catalog[next(item.type for item in offered if item.type in catalog)].kind == "backbones"


def test_a_folder_without_a_declaration_is_grey_and_named_after_itself(tmp_path: Path) -> None:
    catalog = Catalog.default().with_folder(folder_with(tmp_path, "def broken(:", "own_parts"))
    assert catalog.kinds["own_parts"] == Kind("own_parts", "Own parts")
    assert catalog.kinds["nowhere"].title == "Nowhere" and "nowhere" not in catalog.kinds


def test_a_folder_named_like_a_kind_of_composer_joins_it(tmp_path: Path) -> None:
    catalog = Catalog.default().with_folder(folder_with(tmp_path, "", "necks"))
    assert catalog["Blur"].kind == "necks" and catalog.kinds["necks"] == Catalog.default().kinds["necks"]


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ('\nKIND = {"color": "#112233"}', "KIND, color: found '#112233', unexpected keyword argument"),
        ('\nKIND = {"colour": "red; } body {"}', "KIND, colour: found 'red; } body {', string should match pattern"),
        ('\nKIND = {"gives": ("losses",)}', "KIND, gives: found 'losses', input should be"),
        ("\nKIND = {'title': f()}", "KIND: expected a mapping of plain values"),
        ("\nKIND = 'Necks'", "KIND: expected a mapping of plain values"),
    ],
)
def test_an_invalid_kind_declaration_is_refused_with_its_line(tmp_path: Path, declared: str, text: str) -> None:
    with pytest.raises(GraphError) as error:
        read_kind(folder_with(tmp_path, declared) / "my-filters")
    (problem,) = error.value.problems
    assert (problem.code, problem.where.file, problem.where.line) == ("component-file", "my-filters/__init__.py", 2)
    assert problem.message.startswith(text)


def test_the_browser_follows_a_changed_declaration(tmp_path: Path) -> None:
    source = CatalogSource([folder_with(tmp_path, DECLARED)], pause=0)
    before = source.read()
    assert before.catalog.kinds["my-filters"].title == "Filters of ours" and not before.problems
    folder_with(tmp_path, DECLARED.replace("of ours", "of mine, too"))
    after = source.read()
    assert after.catalog.kinds["my-filters"].title == "Filters of mine, too" and after.revision != before.revision


def test_the_kinds_of_composer_have_titles_and_different_colours() -> None:
    kinds = Catalog.default().kinds
    assert len({kind.colour for kind in kinds.values()}) == len({kind.dark for kind in kinds.values()}) == len(kinds)
    assert all(re.fullmatch("[A-Z][A-Za-z ]+", kind.title) for kind in kinds.values())
    named = {name for kind in kinds.values() for name in kind.after if name}
    assert named <= kinds.keys()
    assert (kinds.behind("necks"), kinds.behind(""), kinds.giving("tensor")) == (
        ["heads", "similarities", "losses"],
        ["backbones"],
        ["necks", "backbones"],
    )
