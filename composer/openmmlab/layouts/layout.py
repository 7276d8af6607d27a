"""How another library names the weights of a network that OpenMMLab has too."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from torch import Tensor

__all__ = ["HEAD", "Layout", "Renaming", "Table", "renamed_by"]

HEAD = "head:"
"""Stands in front of names that belong to the head, which is a node of its own."""

Renaming = Callable[[str], list[str]]
"""From their name to the names that it may have here, best first; none where it is not theirs."""

Table = Sequence[tuple[str, Sequence[str]]]
"""Patterns, and what a name that one of them matches becomes."""


def _as_it_is(name: str, tensor: Tensor) -> Tensor:
    return tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of one library for one network.

    Args:
        name: Whose they are.
        component: The component that has these weights.
        renaming: Their names to ours, given all their names. Ours are relative to the backbone's node, or to the
            head's behind ``HEAD``.
        convert: Brings a tensor, given its name here, into the order that it has here.
    """

    name: str
    component: str
    renaming: Callable[[Collection[str]], Renaming]
    convert: Callable[[str, Tensor], Tensor] = _as_it_is


def renamed_by(table: Table) -> Renaming:
    r"""A renaming by regular expressions.

    Args:
        table: For each pattern, which has to match the whole name, what the name becomes: templates with ``\1``.
    """
    compiled = [(re.compile(pattern), templates) for pattern, templates in table]

    def rename(name: str) -> list[str]:
        for pattern, templates in compiled:
            match = pattern.fullmatch(name)
            if match:
                return [match.expand(template) for template in templates]
        return []

    return rename
