"""How a part of a config is named or counted differently from its component."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Params", "Translation", "lower_arch"]

Params = Mapping[str, Any]
"""Parameters by name."""


def _unchanged(params: Params) -> Params:
    return params


def _none(_: Params) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Translation:
    """How a part's parameters become those of the component and back; every name stays the same.

    Args:
        component: The component, where it has another name.
        elsewhere: Parameters that only log, or that another node has.
        defaults: The part's own defaults, where the component has others.
        lacks: Parameters of the component that the part does not have.
        read: The part's values as the component's.
        write: The component's values as the part's.
        wrong: Of the part's values those that cannot be said to the component, each with the reason; they are left out.
    """

    component: str | None = None
    elsewhere: frozenset[str] = frozenset()
    defaults: Params = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    read: Callable[[Params], Params] = _unchanged
    write: Callable[[Params], Params] = _unchanged
    wrong: Callable[[Params], Mapping[str, str]] = _none


def lower_arch(params: Params) -> Params:
    """Names of sizes in small letters: OpenMMLab takes both."""
    arch = params.get("arch")
    return {**params, "arch": arch.lower()} if isinstance(arch, str) else params
