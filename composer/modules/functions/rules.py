"""The register of rules, and what several of them ask."""

from collections.abc import Callable, Sequence
from typing import Any

from composer.modules.steps import Steps, UnsupportedError

__all__ = ["RULES", "Rule", "apply", "axes_of", "axis_of", "listed", "numbers", "paired", "rule"]

Rule = Callable[..., None]
RULES: dict[str, Rule] = {}
"""A rule for each function, by its name."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """The rule for functions of these names."""

    def taken(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return taken


def apply(steps: Steps) -> None:
    """Make the steps of the current call.

    Raises:
        UnsupportedError: There is no rule for it, or none for these arguments.
    """
    call = steps.call
    assert call is not None
    found = RULES.get(call.name)
    if found is None:
        raise UnsupportedError(f"there is no part for {call.target}")
    try:
        found(steps, call.out, *call.args, **{key: item for key, item in call.kwargs.items() if key != "out"})
    except TypeError as error:
        raise UnsupportedError(f"{call.target} with arguments that are not known here: {error}") from error


def numbers(*items: Any) -> bool:
    """Whether all are plain numbers."""
    return all(isinstance(item, int | float) for item in items)


def axis_of(steps: Steps, tensor: Any, dim: int) -> int:
    """An axis of a tensor, counted from the front."""
    rank = len(steps.value(tensor).shape)
    return dim % rank if rank else 0


def axes_of(steps: Steps, tensor: Any, dim: Any) -> tuple[int, ...]:
    """Axes of a tensor, counted from the front and sorted; all, where none is given."""
    rank = len(steps.value(tensor).shape)
    if dim is None or dim == ():
        return tuple(range(rank))
    return tuple(sorted(one % rank for one in (dim if isinstance(dim, list | tuple) else (dim,))))


def listed(items: Sequence[Any]) -> tuple[Any, ...]:
    """``f(x, 1, 2)`` and ``f(x, (1, 2))`` alike."""
    return tuple(items[0]) if len(items) == 1 and isinstance(items[0], list | tuple) else tuple(items)


def paired(item: Any) -> Any:
    """One number for two that are equal."""
    if isinstance(item, list | tuple):
        item = tuple(item)
        if len(item) == 1 or (len(item) > 1 and len(set(item)) == 1):
            return item[0]
        return item or None
    return item
