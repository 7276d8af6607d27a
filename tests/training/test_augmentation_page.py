"""docs/augmentation.md lists every step with its parameters and defaults, and its recipes are read."""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import composer
from composer import Catalog
from composer.training.augment import MASKS, STEPS, check_augmentation
from composer.training.recipe import loads_recipe
from tests.doc_pages import blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "augmentation.md"


def table(kinds: Mapping[str, type[Any]]) -> str:
    rows = ["| name | what it does | parameters and defaults |", "|---|---|---|"]
    for name, kind in kinds.items():
        what = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
        defaults = [f"`{key}: {written(field.default)}`" for key, field in kind.model_fields.items()]
        rows.append(f"| `{name}` | {what} | {', '.join(defaults)} |")
    return "\n".join(rows) + "\n"


def written(value: Any) -> str:
    return "null" if value is None else json.dumps(value).replace('"', "")


def test_the_tables_hold_every_step_and_every_way_to_hide_patches() -> None:
    text = PAGE.read_text()
    assert table(STEPS) in text
    assert table(MASKS) in text


def test_the_recipes_of_the_page_fit_their_graphs() -> None:
    recipes = [loads_recipe(block.text) for block in blocks(PAGE) if not block.mark]
    assert len(recipes) == 3
    for recipe in recipes:
        (path,) = (ROOT / "saved_graphs").rglob(recipe.graph)
        assert check_augmentation(composer.read(path), Catalog.default(), recipe.augment, recipe.mix) == []
