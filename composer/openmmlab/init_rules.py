"""Rules of weight initialisation (``init_cfg``): those of a whole model reach every part before the part's own do."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer.openmmlab.names import registered_name
from composer.openmmlab.plain import same, without_scopes

__all__ = [
    "Rules",
    "checkpoints_of",
    "combined",
    "listed",
    "rules_for_parts",
    "without_checkpoints",
    "without_prefix",
    "without_rules",
]

Rules = Sequence[Any]
"""Rules in the order in which they are applied."""


def listed(init_cfg: Any) -> list[Any]:
    """One rule, several or None, as a list."""
    if init_cfg is None:
        return []
    return list(init_cfg) if isinstance(init_cfg, list | tuple) else [init_cfg]


def without_checkpoints(init_cfg: Any) -> list[Any]:
    """The rules that fill values, without those that load a file."""
    return [rule for rule in listed(init_cfg) if not _loads(rule)]


def checkpoints_of(init_cfg: Any) -> list[str]:
    """The files that rules load."""
    return [str(rule.get("checkpoint", "")) for rule in listed(init_cfg) if _loads(rule)]


def rules_for_parts(init_cfg: Any) -> tuple[list[Any], list[Any]]:
    """The rules of a whole model that each part can follow by itself, and those that name one of its children.

    Both have the names under which the types of rules are registered.
    """
    found = without_checkpoints(without_scopes(init_cfg))
    named = [rule for rule in found if isinstance(rule, Mapping) and "override" in rule]
    return [rule for rule in found if rule not in named], named


def without_rules(init_cfg: Any) -> list[Any]:
    """The rest of the rules of a whole model: those that ``rules_for_parts`` leaves to it."""
    rules, _ = rules_for_parts(init_cfg)
    return [rule for rule in listed(init_cfg) if without_scopes(rule) not in rules]


def combined(rules: Rules, own: Any) -> Any:
    """A part's own ``init_cfg`` with the model's rules before it."""
    return [*rules, *listed(own)] if rules else own


def without_prefix(rules: Rules, init_cfg: Any) -> list[Any] | None:
    """What of a part's ``init_cfg`` comes after the model's rules; None if it does not begin with them."""
    found = listed(init_cfg)
    return found[len(rules) :] if same(found[: len(rules)], list(rules)) else None


def _loads(rule: Any) -> bool:
    return isinstance(rule, Mapping) and registered_name(rule.get("type")) == "Pretrained"
