"""Kinds of components: a kind is a folder, and its ``__init__.py`` may say what belongs to it.

It does so in a mapping of plain values::

    KIND = {"title": "Necks", "colour": "#0a8f9c", "dark": "#49c3cf", "after": ("backbones",)}

The declaration is read as data, never run. A folder without one is a kind all the same, grey and named like the folder.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from composer.problems import GraphError, Problem, Where

__all__ = ["Kind", "Kinds", "read_kind"]

Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]

_LAST = 100


@dataclass(frozen=True)
class Kind:
    """What belongs to a kind of components.

    Args:
        name: The name of its folder.
        title: How people read it; by default the name in words.
        colour: ``#rrggbb``, of the heads of its boxes on a light ground.
        dark: The same on a dark ground.
        order: Its place among the kinds where parts are offered; those that say nothing come last.
        endings: What the names of its classes, and ids of nodes that call them, end with, in small letters.
        anywhere: Whether its parts stand anywhere in a graph, as layers do.
        after: The kinds that its parts mostly come after, the nearest first; an empty name stands for an input.
        gives: The modes whose outputs its parts mostly are.
        of_samples: Whether its scores are of samples, and not of classes.
    """

    name: str
    title: str = ""
    colour: Colour = "#6b7685"
    dark: Colour = "#98a3b3"
    order: int = _LAST
    endings: tuple[str, ...] = ()
    anywhere: bool = False
    after: tuple[str, ...] = ()
    gives: tuple[Literal["tensor", "loss", "predict"], ...] = ()
    of_samples: bool = False

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        if not self.title:
            words = self.name.replace("_", " ")
            object.__setattr__(self, "title", words[:1].upper() + words[1:])


class Kinds(dict[str, Kind]):
    """Kinds by name; one that is not there is a kind of which nothing is said."""

    @classmethod
    def of(cls, declared: Iterable[Kind]) -> "Kinds":
        """The kinds that folders declare; of several folders of one name the first that says something counts."""
        found = cls()
        for kind in declared:
            if found.get(kind.name, Kind(kind.name)) == Kind(kind.name):
                found[kind.name] = kind
        return cls(sorted(found.items()))

    def __missing__(self, name: str) -> Kind:
        return Kind(name)

    def behind(self, name: str) -> list[str]:
        """The kinds whose parts mostly come after those of a kind, in their order; of an empty name after an input."""
        return [kind.name for kind in self._ordered() if name in kind.after]

    def giving(self, mode: str) -> list[str]:
        """The kinds whose parts are mostly the outputs of a mode, the last in their order first."""
        return [kind.name for kind in reversed(self._ordered()) if mode in kind.gives]

    def ranks(self, first: Iterable[str] = ()) -> "dict[str, int]":
        """The place of each kind: these first, then in their order."""
        places = {name: place - _LAST for place, name in enumerate(dict.fromkeys(first))}
        return {kind.name: places.get(kind.name, kind.order) for kind in self._ordered()}

    def ending(self, name: str) -> str | None:
        """The kind whose classes have names that end so."""
        name = name.casefold()
        return next((kind.name for kind in self._ordered() if name.endswith(kind.endings)), None)

    def _ordered(self) -> list[Kind]:
        return sorted(self.values(), key=lambda kind: (kind.order, kind.name))


_READER = TypeAdapter(Kind)


def read_kind(folder: Path) -> Kind:
    """What a folder of components declares of its kind.

    Raises:
        GraphError: It declares what no kind has.
    """
    file = folder / "__init__.py"
    try:
        body = ast.parse(file.read_bytes()).body
    except (OSError, SyntaxError, ValueError):  # not ours to report: the file is no part of the catalog
        return Kind(folder.name)
    for node in body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["KIND"]:
            try:
                return _READER.validate_python({**ast.literal_eval(node.value), "name": folder.name})
            except ValidationError as error:
                one = error.errors(include_url=False)[0]
                text = f"KIND, {one['loc'][0]}: found {one['input']!r}, {one['msg'][:1].lower()}{one['msg'][1:]}"
            except (TypeError, ValueError):
                text = 'KIND: expected a mapping of plain values, such as {"title": "Necks", "colour": "#0a8f9c"}'
            shown = f"{folder.name}/{file.name}"
            raise GraphError(Problem("component-file", Where("", shown, node.lineno), text))
    return Kind(folder.name)
