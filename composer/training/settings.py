"""Keys of a recipe that are set from outside: ``optimizer.lr=0.1``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer.graph.file.yamltext import parse
from composer.graph.file.yamlwriter import dump
from composer.problems import GraphError, Problem, Where
from composer.training.recipe import Recipe, loads_recipe

__all__ = ["parse_settings", "with_settings"]

Keys = tuple[str, ...]


def parse_settings(texts: Sequence[str]) -> dict[Keys, Any]:
    """Read settings ``KEY.KEY=VALUE``; the value is YAML, and a key with dots in it stands in quotes.

    Args:
        texts: Such as ``optimizer.lr=0.1`` or ``policy."backbone.layer1".lr=0.1``.

    Raises:
        GraphError: One is not of that form; carries all of them.
    """
    found: dict[Keys, Any] = {}
    problems = []
    for text in texts:
        keys, equals, value = _split(text)
        if not equals or not all(keys):
            expected = "expected KEY.KEY=VALUE, such as optimizer.lr=0.1"
            problems.append(Problem("recipe-value", Where("--set"), f"found '{text}': {expected}"))
            continue
        try:
            data, _ = parse(f"value: {value}\n", "--set")
        except GraphError as error:
            problems += [replace(one, where=Where(f"--set {text}")) for one in error.problems]
            continue
        found[keys] = data["value"]
    if problems:
        raise GraphError(problems)
    return found


def with_settings(recipe: Recipe, settings: Mapping[Keys, Any]) -> Recipe:
    """The recipe with some keys set; None takes a key out.

    Args:
        recipe: The recipe.
        settings: Values by their keys from the top.

    Raises:
        GraphError: A key does not exist, or does not take its value; carries all problems.
    """
    document = recipe.to_document()
    for keys, value in settings.items():
        inside = document
        for depth, key in enumerate(keys[:-1]):
            below = inside.get(key)
            if below is None:
                below = inside[key] = {}
            if not isinstance(below, dict):
                text = f"found {below!r} at '{'.'.join(keys[: depth + 1])}', which has no keys in it"
                raise GraphError(Problem("recipe-value", Where(".".join(keys)), text))
            inside = below
        if value is None:
            inside.pop(keys[-1], None)
        else:
            inside[keys[-1]] = value
    try:
        return loads_recipe(dump(document))
    except GraphError as error:  # lines of a text that nobody has seen would mislead
        raise GraphError(
            [replace(one, where=replace(one.where, file=None, line=None, column=None)) for one in error.problems]
        ) from None


def _split(text: str) -> tuple[Keys, str, str]:
    """The keys, the sign, and the value."""
    keys, word, quoted = [], "", ""
    for place, letter in enumerate(text):
        if quoted:
            word, quoted = (word, "") if letter == quoted else (word + letter, quoted)
        elif letter in "\"'":
            quoted = letter
        elif letter == ".":
            keys.append(word)
            word = ""
        elif letter == "=":
            return (*keys, word), letter, text[place + 1 :]
        else:
            word += letter
    return (*keys, word), "", ""
